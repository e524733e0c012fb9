/**
 * Work grows with the size of what is worked on: steps are counted at one length and at four times that, where a
 * quadratic way takes sixteen times as many. What regular expressions do inside of one call is not counted; what they
 * are given is bounded.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import "./panel-dom.js";
import "fake-indexeddb/auto";
import fc from "fast-check";
import { local } from "./chrome-storage.js";
import { PATTERNS } from "./pathological.js";
import { SEED } from "./seed.js";
import { stepsOf } from "./steps.js";

const { parse } = await import("../../extension/shared/markdown/parse.js");
const { view } = await import("../../extension/ui/markdown/view.js");
const { closeOpen } = await import("../../extension/shared/markdown/close.js");
const { fold, placesOf, termsOf } = await import("../../extension/shared/fold.js");
const { asMarkdown } = await import("../../extension/worker/storage/markdown-export.js");
const { agreeing, readableItems } = await import("../../extension/worker/storage/answers.js");
const { isShallow, makePlain } = await import("../../extension/shared/plain.js");
const { isCircular, mended } = await import("../../extension/worker/storage/branches.js");
const { readTurn } = await import("../../extension/worker/storage/records.js");
const { foldedTextOf } = await import("../../extension/worker/storage/search.js");
const { importSettings } = await import("../../extension/worker/settings/settings.js");
const { titleOf } = await import("../../extension/shared/titles.js");
const { byModel } = await import("../../extension/sidepanel/usage/spending.js");

const LENGTH = 800;
/** Four times the size may take half as much again for what begins anew with each part; sixteen is quadratic. */
const MOST = 8;

/** @param {number} small @param {number} large @param {string} what */
function assertLinear(small, large, what) {
  // What takes next to nothing has a start of its own.
  assert.ok(large <= MOST * Math.max(small, 200), `${what}: ${small} steps, and ${large} for four times as much`);
}

/** @param {string} text */
const turn = (text) => ({
  id: "1",
  user: text,
  created_at: 0,
  position: 0,
  version: 2,
  status: /** @type {const} */ ("completed"),
  blocks: [{ kind: /** @type {const} */ ("text"), text, open: false }],
  items: [],
});

/** @type {Record<string, (text: string) => unknown>} */
const READERS = {
  "to draw": (text) => parse(text).map(view),
  "to close what is open": closeOpen,
  "to find a title": titleOf,
  "to fold": fold,
  "to take a query apart": termsOf,
  "to index": (text) => foldedTextOf(turn(text)),
  "to find a place": (text) => placesOf(text, ["a", "b"]),
  "to export": (text) => asMarkdown({ id: "c", created_at: 0, updated_at: 0, leaf: "1", turns: [turn(text)] }, "T"),
};

for (const [what, read] of Object.entries(READERS)) {
  test(`${what} is linear for all patterns`, () => {
    for (const [name, make] of Object.entries(PATTERNS)) {
      read(make(100));
      const [small, large] = [LENGTH, 4 * LENGTH].map((length) => stepsOf(() => read(make(length))));
      assertLinear(small, large, `${what}, ${name}`);
    }
  });
}

test("any mixture of marks, repeated, is drawn in linear steps", () => {
  const piece = fc.array(
    fc.constantFrom(..."[](){}<>!*_~`|#>-+=.:/\\&$@^ \n\ta1é中", "www.", "http://", "<b>", "</b>", "]: "),
    {
      minLength: 1,
      maxLength: 8,
    },
  );
  fc.assert(
    fc.property(piece, (parts) => {
      const part = parts.join("");
      const [small, large] = [200, 800].map((times) => stepsOf(() => parse(part.repeat(times)).map(view)));
      assertLinear(small, large, JSON.stringify(part));
    }),
    { numRuns: 25, seed: 16 + SEED, endOnFailure: true },
  );
});

/** As many blocks at once as nobody nests: deer-flow's chat was lost for good by one such message. */
test("no nesting fills the stack, in whatever mixture of containers", () => {
  // bytedance/deer-flow#3500: a few thousand ">" threw a RangeError, and the thread could never be loaded again.
  const mark = fc.constantFrom(">", "> ", "- ", "1. ", "* ", "+ ", "[", "![", "<b>", "**", "[^a]: ", "<details>");
  fc.assert(
    fc.property(
      fc.array(mark, { minLength: 1, maxLength: 4 }),
      fc.integer({ min: 500, max: 3_000 }),
      (marks, times) => {
        const text = `${marks.join("").repeat(times)}deep`;
        assert.ok(JSON.stringify(parse(text).map(view)).includes("deep"));
        assert.ok(foldedTextOf(turn(text)).includes("deep"));
      },
    ),
    { numRuns: 20, seed: 16 + SEED, endOnFailure: true },
  );
});

/** @param {number} size @param {(at: number) => unknown} make @returns {any[]} */
const listOf = (size, make) => Array.from({ length: size }, (_, at) => make(at));

/** @type {Record<string, (size: number) => () => unknown>} */
const RECORDS = {
  "calls with their outputs": (size) => {
    const items = listOf(2 * size, (at) =>
      at < size
        ? { type: "function_call", name: "f", call_id: `${at}`, arguments: "{}" }
        : { type: "function_call_output", call_id: `${at - size}`, output: "x" },
    );
    const blocks = listOf(size, (at) => ({ kind: "tool", text: "{}", name: "f", call_id: `${at}`, open: false }));
    return () => agreeing(blocks, readableItems(items));
  },
  "blocks that agree with nothing": (size) => {
    const blocks = listOf(size, (at) => ({ kind: "text", text: `${at}`, open: false }));
    const items = listOf(size, (at) => ({
      type: "message",
      role: "assistant",
      content: [{ type: "output_text", text: `-${at}` }],
    }));
    return () => agreeing(blocks, readableItems(items));
  },
  "damaged parts of a turn": (size) => {
    const damaged = { ...turn("x"), blocks: listOf(size, (at) => (at % 2 ? { kind: "text", text: "x" } : null)) };
    return () => readTurn(damaged);
  },
  "turns in circles": (size) => {
    const turns = listOf(size, (at) => ({ id: `${at}`, parent: `${(at + 1) % size}` }));
    return () => [isCircular(turns), mended(turns)];
  },
  "a long line of turns": (size) => {
    const turns = listOf(size, (at) => ({ id: `${at}`, ...(at > 0 ? { parent: `${at - 1}` } : {}) }));
    return () => [isCircular(turns), mended(turns)];
  },
  "nested arrays": (size) => {
    const text = `${"[".repeat(size)}${"]".repeat(size)}`;
    return () => {
      const value = JSON.parse(text);
      makePlain(value);
      isShallow(value);
    };
  },
  "days of one model": (size) => {
    const days = listOf(size, () => ({
      day: "2026-01-01",
      origin: "o",
      model: "m",
      turns: 1,
      usage: { total_tokens: 1 },
    }));
    return () => byModel(days);
  },
};

for (const [what, make] of Object.entries(RECORDS)) {
  test(`${what} take linear steps`, () => {
    make(10)();
    const [small, large] = [500, 2_000].map((size) => stepsOf(make(size)));
    assertLinear(small, large, what);
  });
}

test("profiles are imported in linear steps, and stored once", async () => {
  const file = (/** @type {number} */ size) => {
    const profiles = listOf(size, (at) => ({
      name: `P${at}`,
      base_url: `https://a.test/${at}`,
      wire_api: "chat",
      model: "m",
    }));
    return JSON.stringify({ format: "sidestream-settings", version: 1, active: 0, profiles });
  };
  local.data = {};
  await importSettings(file(2));
  const writes = local.writes;
  assert.deepEqual(await importSettings(file(4_000)), { added: 3_998, of: 4_000 });
  assert.equal(local.writes - writes, 1);
  assert.deepEqual(await importSettings(file(4_000)), { added: 0, of: 4_000 });
});

test("more parts than a call takes arguments are no matter", () => {
  // radiasoft/sirepo#5190, nextstrain/auspice#1293: to spread a large array over arguments fills the stack.
  const ticks = "`a` ".repeat(150_000);
  assert.ok(
    asMarkdown({ id: "c", created_at: 0, updated_at: 0, leaf: "1", turns: [turn(`<b>${ticks}`)] }, "T").includes("`a`"),
  );
});
