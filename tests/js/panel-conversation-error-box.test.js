import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import { newRoot } from "./panel-dom.js";

/** @import {Turn, TurnError} from "../../extension/shared/protocol.js" */

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
const { applyEvent } = await import("../../extension/shared/turn.js");

const IDLE = { isBusy: false, isAsking: false };
/** @type {TurnError} */
const ERROR = {
  kind: "invalid_request",
  message: "The provider refused the request (status 400).",
  hint: "Change it.",
};

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

test("dyad-sh/dyad#1870: each error can be copied, beside what helps on, the last one or not", async () => {
  const turn = newTurn({ status: "failed", model: "m", error: { ...ERROR, kind: "network" } });
  for (const isLast of [true, false]) {
    const { page } = show(turn, { isLast });
    assert.ok(page.find("button", "Open settings"));
    const button = page.find("button", "Copy details");
    Object.assign(button, { dataset: {} });
    button.click();
    await new Promise(setImmediate);
    assert.match(copied.at(-1) ?? "", /^What happened: The provider refused[\s\S]*\nModel: m\n[\s\S]*Turn: failed/);
  }
});

test("a stopped answer is no error, and has nothing to report", () => {
  const { page } = show(newTurn({ status: "stopped" }));
  assert.equal(page.find("button", "Copy details"), undefined);
});

test("a finish reason is shown with the error, unless the error names it or it is empty", () => {
  const shown = (/** @type {string} */ finish_reason, message = "The answer is incomplete.") =>
    show(newTurn({ status: "incomplete", finish_reason, error: { ...ERROR, message } })).page.textContent;
  assert.match(shown("malformed_function_call"), /finish reason malformed_function_call/);
  assert.doesNotMatch(shown("stop"), /finish reason/);
  assert.doesNotMatch(shown("length", "The answer stopped: length."), /finish reason/);
  const turn = after({}, [{ type: "Completed", response_id: "", finish_reason: "length" }]);
  assert.equal(turn.finish_reason, "length");
});
