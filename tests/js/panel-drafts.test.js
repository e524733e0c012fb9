import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import "fake-indexeddb/auto";
import "./worker-vendor.js";
import { SEED } from "./seed.js";

const { deleteDB } = await import("idb");
const database = await import("../../extension/shared/storage/database.js");
const writer = await import("../../extension/worker/storage/turn-writer.js");
const conversations = await import("../../extension/worker/storage/conversation-list.js");
const stored = await import("../../extension/shared/storage/drafts.js");
const { Drafts } = await import("../../extension/sidepanel/drafts/drafts.js");

/** @import {Attachment} from "../../extension/shared/protocol.js" */
/** @import {Sending} from "../../extension/shared/storage/drafts.js" */

/** What the browser knows: which panels hold a lock, which windows are open, what its session holds. */
const browser = {
  /** @type {Map<string, string>} The id that is in a tab's `sessionStorage`. */
  tab: new Map(),
  /** @type {Set<string>} */
  locks: new Set(),
  /** @type {Set<number>} */
  windows: new Set(),
  /** @type {Record<string, any>} */
  session: {},
  /** The window of the panel that is being opened. */
  opening: 1,
  /** @type {Promise<unknown>} */
  queue: Promise.resolve(),
};

Object.assign(globalThis, {
  sessionStorage: {
    getItem: (/** @type {string} */ name) => browser.tab.get(name) ?? null,
    setItem: (/** @type {string} */ name, /** @type {string} */ value) => browser.tab.set(name, value),
  },
  chrome: {
    windows: { getAll: async () => [...browser.windows].map((id) => ({ id })) },
    storage: {
      session: {
        get: async (/** @type {string | null} */ name) =>
          name === null ? { ...browser.session } : { [name]: browser.session[name] },
        set: async (/** @type {object} */ values) => Object.assign(browser.session, values),
        remove: async (/** @type {string[]} */ names) => {
          for (const name of names) delete browser.session[name];
        },
      },
    },
  },
});
Object.defineProperty(globalThis, "navigator", {
  value: {
    locks: {
      query: async () => ({ held: [...browser.locks].map((name) => ({ name })) }),
      request: (/** @type {string} */ name, /** @type {any[]} */ ...rest) => {
        const work = rest.at(-1);
        if (name !== "drafts") {
          if (browser.locks.has(name)) return Promise.reject(new Error("Somebody has it."));
          browser.locks.add(name);
          return work();
        }
        const done = browser.queue.then(work);
        browser.queue = done.catch(() => {});
        return done;
      },
    },
  },
});

/** A panel in a window. */
class Panel {
  trouble = "";
  /** @type {{unsent: Sending[], isBefore: boolean}[]} */
  unsent = [];
  lock = "";
  /** That it shows. */
  conversation = "";
  drafts = new Drafts({
    onShow: () => {},
    onTrouble: (text) => {
      this.trouble = text;
    },
    onUnsent: (_, unsent, isBefore) => {
      this.unsent.push({ unsent, isBefore });
      return isBefore ? unsent : [];
    },
  });

  /** @param {number} window */
  constructor(window) {
    this.window = window;
    browser.windows.add(window);
  }

  /** @param {number} window @param {string} [conversation] */
  static async open(window, conversation = "") {
    const panel = new Panel(window);
    browser.tab.clear();
    const opened = panel.drafts.open(window);
    panel.lock = [...browser.locks].at(-1) ?? "";
    await opened;
    panel.conversation = conversation;
    panel.drafts.show(conversation);
    await settled();
    return panel;
  }

  /** @param {string} text */
  type(text) {
    this.drafts.change({ text });
  }

  get text() {
    return this.drafts.current.text;
  }

  /** Nothing more is written. */
  async close() {
    await settled();
    browser.locks.delete(this.lock);
    this.drafts.change = () => {};
  }
}

/** All writes are done. */
async function settled() {
  for (let turn = 0; turn < 60; turn += 1) await new Promise(setImmediate);
}

/** The browser ends, and is started again: windows have other numbers. */
function restart() {
  browser.locks.clear();
  browser.windows.clear();
  browser.session = {};
}

/** @param {string} id */
async function begin(id) {
  const head = JSON.stringify({ id, created_at: 1, leaf: `${id}1`, settings: {} });
  const turn = {
    id: `${id}1`,
    user: id,
    created_at: 1,
    status: "completed",
    blocks: [],
    version: 2,
    position: 0,
    items: [],
  };
  await writer.saveTurn(head, JSON.stringify(turn));
}

/** @param {string} id @returns {Attachment} */
const image = (id) => ({ id, kind: "image", title: id, tokens: 1, size: 1 });

/** @returns {Promise<any[]>} */
const all = async () => (await database.database()).getAll("drafts");

beforeEach(async () => {
  restart();
  await deleteDB("sidestream");
});

test("each conversation has its own draft", async () => {
  await begin("a");
  await begin("b");
  const panel = await Panel.open(1, "a");
  panel.type("For a");
  panel.drafts.attach(image("i"), panel.drafts.shown);
  panel.drafts.show("b");
  assert.deepEqual([panel.text, panel.drafts.current.attachments], ["", []]);
  panel.type("For b");
  panel.drafts.show("a");
  assert.deepEqual([panel.text, panel.drafts.current.attachments], ["For a", [image("i")]]);
});

test("what was attached is the draft's in which that began, whatever is shown by then", async () => {
  await begin("a");
  await begin("b");
  const panel = await Panel.open(1, "a");
  const { shown } = panel.drafts;
  panel.drafts.show("b");
  panel.drafts.attach(image("late"), shown);
  assert.deepEqual(panel.drafts.current.attachments, []);
  panel.drafts.show("a");
  assert.deepEqual(panel.drafts.current.attachments, [image("late")]);
});

test("a panel that is opened again in its window has what the last one had", async () => {
  await begin("a");
  const panel = await Panel.open(1, "a");
  panel.type("Half a");
  panel.type("Half a sentence");
  await panel.close();
  assert.equal((await Panel.open(1, "a")).text, "Half a sentence");
  assert.equal((await all()).length, 1);
});

test("another window has a draft of its own, and may take over what the first one left", async () => {
  await begin("a");
  const first = await Panel.open(1, "a");
  first.type("Of the first");
  await settled();
  const second = await Panel.open(2, "a");
  assert.equal(second.text, "");
  assert.deepEqual(second.drafts.others, [], "somebody writes there");
  await first.close();
  await second.close();
  const third = await Panel.open(2, "a");
  assert.equal(third.text, "");
  assert.deepEqual(
    third.drafts.others.map(({ text }) => text),
    ["Of the first"],
  );
  third.type("Own");
  await third.drafts.adopt(third.drafts.others[0]);
  assert.equal(third.text, "Of the first\nOwn");
  assert.deepEqual(third.drafts.others, []);
  await settled();
  assert.equal((await Panel.open(1, "a")).text, "");
});

test("after a restart a draft comes back where its conversation is opened first, once", async () => {
  await begin("a");
  const [one, two] = [await Panel.open(1, "a"), await Panel.open(2, "a")];
  one.type("One");
  two.type("Two");
  await settled();
  restart();
  const first = await Panel.open(11, "a");
  const second = await Panel.open(12, "a");
  const third = await Panel.open(13, "a");
  assert.deepEqual([first.text, second.text, third.text].sort(), ["", "One", "Two"]);
});

test("the draft of a new chat waits in its window, and belongs to the chat when it begins", async () => {
  const [panel, other] = [await Panel.open(1), await Panel.open(2)];
  panel.type("A beginning");
  other.type("Another one");
  panel.drafts.send({ id: "m", text: "A beginning", attachments: [] });
  panel.drafts.show("a", "begins");
  panel.type("More");
  await begin("a");
  panel.drafts.settle(new Set());
  await panel.close();
  const again = await Panel.open(1, "a");
  assert.deepEqual([again.text, again.drafts.current.sending], ["More", []]);
  again.drafts.show("");
  await settled();
  assert.equal(again.text, "");
  assert.deepEqual(again.drafts.others, [], "that of the other window is the other window's");
});

test("a message whose conversation was never stored is written in the box of a new chat again", async () => {
  const panel = await Panel.open(1);
  panel.type("Lost?");
  panel.drafts.send({ id: "m", text: "Lost?", attachments: [image("i")] });
  panel.drafts.show("never", "begins");
  panel.type("And more");
  await settled();
  restart();
  const later = await Panel.open(5);
  assert.deepEqual([later.text, later.drafts.current.attachments], ["Lost?\nAnd more", [image("i")]]);
  assert.deepEqual(later.drafts.current.sending, []);
});

test("what was sent and is stored does not come back; what is not is sent again while the browser runs", async () => {
  await begin("a");
  const panel = await Panel.open(1, "a");
  panel.type("x");
  panel.drafts.send({ id: "a1", text: "Stored", attachments: [] });
  panel.drafts.send({ id: "new", text: "On its way", attachments: [] });
  await panel.close();
  const again = await Panel.open(1, "a");
  assert.equal(again.text, "");
  const [{ unsent, isBefore }] = again.unsent;
  assert.deepEqual([unsent.map(({ id }) => id), isBefore], [["new"], false]);
});

test("a deleted conversation takes its drafts along, and brings them back", async () => {
  await begin("a");
  const panel = await Panel.open(1, "a");
  panel.type("For a");
  await settled();
  await conversations.deleteConversation("a");
  panel.drafts.show("");
  await conversations.undoDelete("a");
  panel.drafts.show("a");
  assert.equal(panel.text, "For a");
  await panel.close();
  await conversations.deleteConversation("a");
  const db = await database.database();
  const gone = await db.get("conversations", "a");
  await db.put("conversations", { ...gone, deleted_at: 1 });
  await conversations.purgeDeleted(new Set());
  assert.deepEqual(await all(), []);
});

test("a draft is kept when its conversation is deleted elsewhere", async () => {
  await begin("a");
  const panel = await Panel.open(1);
  panel.type("Of the new chat");
  panel.drafts.show("a");
  await settled();
  panel.type("For a");
  panel.drafts.show("", "moves");
  await settled();
  assert.equal(panel.text, "Of the new chat\nFor a");
  assert.deepEqual(
    (await all()).map(({ conversation_id, text }) => [conversation_id, text]),
    [["", "Of the new chat\nFor a"]],
  );
});

test("what was written into a message of a conversation that is deleted elsewhere is there when that is undone", async () => {
  await begin("a");
  const panel = await Panel.open(1, "a");
  panel.type("For a");
  panel.drafts.change({ edits: { t: { text: "Edited" } } });
  await conversations.deleteConversation("a");
  panel.drafts.show("", "moves");
  await settled();
  assert.equal(panel.text, "For a");
  assert.deepEqual(panel.drafts.current.edits, {});
  await conversations.undoDelete("a");
  panel.drafts.show("a");
  assert.deepEqual(panel.drafts.current.edits, { t: { text: "Edited" } });
  await panel.close();
  const again = await Panel.open(1, "a");
  assert.deepEqual(again.drafts.current.edits, { t: { text: "Edited", sending: false } });
  assert.equal(again.text, "");
});

test("a full disk is reported, removes nothing from view, and is retried", async (context) => {
  await begin("a");
  const panel = await Panel.open(1, "a");
  const put = IDBObjectStore.prototype.put;
  context.mock.timers.enable({ apis: ["setTimeout"] });
  IDBObjectStore.prototype.put = () => {
    throw new DOMException("", "QuotaExceededError");
  };
  panel.type("Still here");
  await settled();
  IDBObjectStore.prototype.put = put;
  assert.match(panel.trouble, /disk is full/);
  assert.equal(panel.text, "Still here");
  context.mock.timers.tick(10_000);
  await settled();
  assert.equal(panel.trouble, "");
  assert.equal((await all())[0].text, "Still here");
});

test("drafts of an earlier version are migrated once", async () => {
  await begin("a");
  browser.session = { draft: "Old", attachments: [image("i")], "edit:t": { text: "Edited" } };
  const panel = await Panel.open(1, "a");
  assert.deepEqual([panel.text, panel.drafts.current.attachments], ["Old", [image("i")]]);
  assert.equal(panel.drafts.current.edits.t.text, "Edited");
  assert.deepEqual(Object.keys(browser.session), ["browser_session"]);
  await panel.close();
  assert.equal((await Panel.open(1, "a")).text, "Old");
});

test("a draft that is read late does not take what was typed meanwhile", async () => {
  await begin("a");
  await begin("b");
  const panel = await Panel.open(1, "a");
  panel.type("Before");
  await panel.close();
  const again = await Panel.open(1, "b");
  again.drafts.show("a");
  again.type("typed at once");
  await settled();
  assert.equal(again.text, "Before\ntyped at once");
});

test("unsent text returns before what was typed since, wherever it came from", async () => {
  await begin("a");
  await begin("b");
  const panel = await Panel.open(1, "a");
  panel.type("since");
  panel.drafts.putBack("a", { text: "refused", attachments: [image("i")] });
  assert.deepEqual([panel.text, panel.drafts.current.attachments], ["refused\nsince", [image("i")]]);
  panel.drafts.show("b");
  panel.drafts.putBack("a", { text: "another", attachments: [] });
  assert.equal(panel.text, "");
  panel.drafts.show("a");
  assert.equal(panel.text, "another\nrefused\nsince");
});

test("a conversation that has lost its only message leaves its draft to a new chat", async () => {
  await writer.saveTurn(JSON.stringify({ id: "empty", created_at: 1, settings: {} }), "");
  const place = { conversation_id: "empty", owner: "closed", session: "s", window: 1, at: 1 };
  await stored.putDraft({ ...stored.emptyDraft(), ...place, text: "Still wanted" });
  await conversations.purgeDeleted(new Set());
  assert.equal((await Panel.open(1)).text, "Still wanted");
});

test("a conversation with a draft is not deleted to make room", async () => {
  await begin("a");
  const panel = await Panel.open(1, "a");
  panel.type("Later");
  await panel.close();
  assert.deepEqual(await conversations.freeStorage(Number.MAX_SAFE_INTEGER, new Set()), { deleted: 0 });
  const { conversations: list } = await conversations.listConversations({}, new Set());
  assert.equal(list[0].draft, true);
});

/** Numbers that look random, and are the same in each run. @param {number} seed */
function randomly(seed) {
  let state = seed;
  return (/** @type {number} */ below) => {
    state = (state * 48271) % 2147483647;
    return state % below;
  };
}

/**
 * Any order of what users do, against a model: a text is in one place, until it is sent or cleared. Texts of the model
 * are whole words that occur once, so they are found again wherever they have moved to.
 */
for (let seed = 1; seed <= 40; seed += 1) {
  test(`nothing that was typed is lost or doubled, whatever is done (${seed})`, async () => {
    const random = randomly((seed + SEED) * 7919);
    const names = ["a", "b", ""];
    for (const name of ["a", "b"]) await begin(name);
    /** What is to be somewhere. @type {Map<string, string>} word: its conversation */
    const model = new Map();
    /** @type {Panel[]} */
    let panels = [await Panel.open(1)];
    let words = 0;
    let windows = 1;
    const say = [];
    const wordsIn = (/** @type {string} */ text) => text.split("\n").filter(Boolean);
    for (let step = 0; step < 25; step += 1) {
      const panel = panels[random(panels.length)];
      const action = random(9);
      if (!panel || action === 7) {
        windows += 1;
        const fresh = await Panel.open(random(2) && panels[0] ? panels[0].window : windows, names[random(3)]);
        panels.push(fresh);
        say.push(`open in ${fresh.window}`);
      } else if (action <= 2) {
        words += 1;
        panel.type([panel.text, `w${words}`].filter(Boolean).join("\n"));
        model.set(`w${words}`, panel.conversation);
        say.push(`type w${words}`);
      } else if (action <= 4) {
        panel.conversation = names[random(3)];
        panel.drafts.show(panel.conversation);
        if (random(2)) await settled();
        say.push(`show ${panel.conversation}`);
      } else if (action === 5) {
        // Sent and stored at once.
        for (const word of wordsIn(panel.text)) model.delete(word);
        panel.drafts.send({ id: `${panel.conversation || "a"}1`, text: panel.text, attachments: [] });
        panel.drafts.settle(new Set());
        say.push("send");
      } else if (action === 6) {
        await panel.close();
        panels = panels.filter((each) => each !== panel);
        if (random(2) && !panels.some(({ window }) => window === panel.window)) browser.windows.delete(panel.window);
        say.push("close");
      } else if (random(3) === 0) {
        await settled();
        for (const each of panels) await each.close();
        restart();
        panels = [];
        windows += 10;
        say.push("restart");
      }
    }
    await settled();
    /** @type {Map<string, string[]>} */
    const found = new Map();
    for (const { conversation_id, text } of await all()) {
      for (const word of wordsIn(text)) found.set(word, [...(found.get(word) ?? []), conversation_id]);
    }
    const expected = new Map([...model].map(([word, conversation]) => [word, [conversation]]));
    const sorted = (/** @type {Map<string, string[]>} */ map) => [...map].sort();
    assert.deepEqual(sorted(found), sorted(expected), say.join("; "));
  });
}
