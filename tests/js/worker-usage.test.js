/** What was used on which day: counted with the turns' writes, in an IndexedDB in memory. */

import "fake-indexeddb/auto";
import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import { deleteDB, openDB } from "idb";
import { countUsage, usageByDay } from "../../extension/worker/storage/usage.js";

/** @import { Spent } from "../../extension/worker/storage/usage.js" */

// The day is the user's, which here begins hours before that of UTC.
process.env.TZ = "Asia/Tokyo";
const NOON = new Date("2026-08-06T12:00:00+09:00").getTime();
const DAY_MS = 86_400_000;

/** @type {import("idb").IDBPDatabase<any>} */
let db;

beforeEach(async () => {
  mock.timers.reset();
  mock.timers.enable({ apis: ["Date"], now: NOON });
  db?.close();
  await deleteDB("usage");
  db = await openDB("usage", 1, {
    upgrade(fresh) {
      fresh.createObjectStore("turns", { keyPath: ["conversation_id", "id"] });
      fresh.createObjectStore("usage", { keyPath: ["day", "origin", "model"] });
    },
  });
});

/** @param {Partial<Spent> & {id?: string}} [fields] */
function spent(fields = {}) {
  const usage = { input_tokens: 10, output_tokens: 5, total_tokens: 15 };
  return { id: "t", status: "completed", attempt: 1, origin: "https://a.example", model: "m", usage, ...fields };
}

/** Writes a turn as the database does. @param {ReturnType<typeof spent>} turn */
async function save(turn) {
  const transaction = db.transaction(["turns", "usage"], "readwrite");
  await countUsage(/** @type {any} */ (transaction), "c", turn);
  await transaction.objectStore("turns").put({ ...turn, conversation_id: "c" });
  await transaction.done;
}

/** @param {number} [days] */
const counted = async (days = 7) =>
  (await usageByDay(db, days)).map(({ day, model, turns, usage }) => [day, model, turns, usage.total_tokens]);

test("a run counts once, when it has ended with its usage", async () => {
  await save(spent({ status: "running", usage: undefined }));
  await save(spent({ status: "running" }));
  assert.deepEqual(await counted(), []);
  for (let times = 0; times < 3; times += 1) await save(spent());
  await save(spent({ status: "interrupted" }));
  assert.deepEqual(await counted(), [["2026-08-06", "m", 1, 15]]);
});

test("a turn that is run again counts again", async () => {
  await save(spent());
  await save(spent({ attempt: 2, status: "running", usage: undefined }));
  await save(spent({ attempt: 2 }));
  // The state in between need not have been written.
  await save(spent({ attempt: 3, status: "incomplete" }));
  await save(spent({ attempt: 3, status: "incomplete" }));
  assert.deepEqual(await counted(), [["2026-08-06", "m", 3, 45]]);
});

test("a turn without usage does not count until it has some", async () => {
  await save(spent({ status: "stopped", usage: undefined }));
  await save(spent({ status: "stopped", usage: { input_tokens: 0, output_tokens: 0 } }));
  assert.deepEqual(await counted(), []);
  await save(spent({ status: "stopped" }));
  assert.deepEqual(await counted(), [["2026-08-06", "m", 1, 15]]);
});

test("a turn from a file does not count, also when it is written again", async () => {
  await db.put("turns", { ...spent({ attempt: undefined }), conversation_id: "c" });
  await save(spent({ attempt: 0, status: "interrupted" }));
  assert.deepEqual(await counted(), []);
});

test("days are the user's, and models and providers are kept apart", async () => {
  mock.timers.setTime(new Date("2026-08-06T00:30:00+09:00").getTime());
  await save(spent({ id: "1" }));
  mock.timers.setTime(NOON);
  await save(spent({ id: "2", usage: { input_tokens: 1, total_tokens: 1, cached_input_tokens: 1 } }));
  await save(spent({ id: "3", model: "n" }));
  await save(spent({ id: "4", origin: undefined, model: undefined }));
  mock.timers.setTime(NOON + DAY_MS);
  await save(spent({ id: "5" }));
  assert.deepEqual(await usageByDay(db, 2), [
    {
      day: "2026-08-06",
      origin: "",
      model: "",
      turns: 1,
      usage: { input_tokens: 10, output_tokens: 5, total_tokens: 15 },
    },
    {
      day: "2026-08-06",
      origin: "https://a.example",
      model: "m",
      turns: 2,
      usage: { input_tokens: 11, output_tokens: 5, total_tokens: 16, cached_input_tokens: 1 },
    },
    {
      day: "2026-08-06",
      origin: "https://a.example",
      model: "n",
      turns: 1,
      usage: { input_tokens: 10, output_tokens: 5, total_tokens: 15 },
    },
    {
      day: "2026-08-07",
      origin: "https://a.example",
      model: "m",
      turns: 1,
      usage: { input_tokens: 10, output_tokens: 5, total_tokens: 15 },
    },
  ]);
  assert.deepEqual(await counted(1), [["2026-08-07", "m", 1, 15]]);
});

test("a month back is across the month's border", async () => {
  await save(spent());
  mock.timers.setTime(NOON + 29 * DAY_MS);
  assert.deepEqual(await counted(30), [["2026-08-06", "m", 1, 15]]);
  assert.deepEqual(await counted(29), []);
});

test("a write that fails counts nothing", async () => {
  const transaction = db.transaction(["turns", "usage"], "readwrite");
  transaction.done.catch(() => {});
  await countUsage(/** @type {any} */ (transaction), "c", spent());
  transaction.abort();
  assert.deepEqual(await counted(), []);
});
