import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import { newRoot } from "./panel-dom.js";

/** @import {Turn} from "../../extension/shared/protocol.js" */

/** @type {string[]} */
let copied = [];
let isClipboardOpen = true;
Object.assign(globalThis, {
  chrome: { runtime: { getManifest: () => ({ version: "1.2.3" }) } },
});
Object.assign(document, { body: newRoot() });
Object.defineProperty(globalThis, "navigator", {
  configurable: true,
  value: {
    userAgent: "Plain browser/1",
    userAgentData: {
      platform: "Linux",
      brands: [
        { brand: "Chromium", version: "153" },
        { brand: "Not;A=Brand", version: "8" },
      ],
    },
    clipboard: {
      writeText: async (/** @type {string} */ text) => {
        if (!isClipboardOpen) throw new Error("no");
        copied.push(text);
      },
    },
  },
});

const { TurnView } = await import("../../extension/sidepanel/conversation/turn-view.js");
const { applyEvent, takeOver } = await import("../../extension/shared/turn.js");

const IDLE = { isBusy: false, isAsking: false };

beforeEach(() => {
  copied = [];
  isClipboardOpen = true;
  mock.timers.reset();
});

/**
 * @param {Partial<Turn>} [fields]
 * @returns {Turn}
 */
function newTurn(fields = {}) {
  return { id: "t", user: "Question", created_at: 0, status: "completed", blocks: [], ...fields };
}

/** @param {Turn} turn */
function show(turn, { isLast = true } = {}) {
  const edits = { get: () => undefined };
  const view = new TurnView(turn, /** @type {any} */ ({ edits, conversation: () => "c", changed: () => {} }));
  const page = newRoot();
  page.append(...view.nodes);
  view.update(turn, isLast, IDLE);
  return { page, view };
}

/** @param {Partial<Turn>} fields @param {any[]} events */
function after(fields, events) {
  const turn = newTurn({ status: "running", ...fields });
  for (const event of events) applyEvent(turn, event);
  return turn;
}

const NOTICE = "Sent without stream_options, which this server refuses.";

test("a notice is added once, and shown below the answer while it is written and after its end", () => {
  const turn = after({}, [
    { type: "Notice", message: NOTICE },
    { type: "OutputTextDelta", delta: "Hello" },
    { type: "Notice", message: NOTICE },
    { type: "Notice", message: "Another." },
  ]);
  assert.deepEqual(turn.notices, [NOTICE, "Another."]);
  assert.equal(turn.notice, undefined);
  const { page, view } = show(turn);
  const note = page.find("p", NOTICE);
  assert.equal(note.getAttribute("role"), "note");
  assert.equal(note.parent.getAttribute("class"), "notices");
  takeOver(turn, newTurn({ blocks: [{ kind: "text", text: "Hello", open: false }], notices: [NOTICE] }));
  view.update(turn, true, IDLE);
  assert.ok(page.find("p", NOTICE));
  assert.equal(page.find("p", "Another."), undefined);
});

test("an answer of which there is nothing to know has no place for it, and loses it with the notices", () => {
  const turn = newTurn({ notices: [NOTICE] });
  const { page, view } = show(turn);
  const classes = () =>
    page.find("article", "Assistant").children.map((/** @type {any} */ one) => one.getAttribute("class"));
  assert.deepEqual(classes().slice(0, 2), ["blocks", "notices"]);
  takeOver(turn, newTurn());
  view.update(turn, true, IDLE);
  assert.ok(!classes().includes("notices"));
});

test("a new run forgets the notices of the last one", () => {
  const turn = newTurn({ status: "failed", notices: [NOTICE], finish_reason: "length" });
  takeOver(turn, newTurn({ status: "running" }));
  assert.equal(turn.notices, undefined);
  assert.equal(turn.finish_reason, undefined);
});
