import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import { newRoot } from "./panel-dom.js";

/** @import {Block, Turn} from "../../extension/shared/protocol.js" */

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
const { waitingText } = await import("../../extension/sidepanel/conversation/turn-labels.js");

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

const CALL = /** @type {Block} */ ({ kind: "tool", text: "{}", name: "look_up", call_id: "c", open: false });

test("an answer that was queued again after it had begun shows when it continues", () => {
  const waiting = /** @type {const} */ ({ reason: "rate_limit", until: 125_000 });
  assert.equal(waitingText(waiting, 0), "Rate limited. Sending in 2:05");
  assert.equal(waitingText(waiting, 0, true), "Rate limited. Continuing in 2:05");
  const blocks = [{ ...CALL, output: "4" }];
  const { page } = show(
    newTurn({ status: "queued", waiting: { reason: "rate_limit", until: Date.now() + 900 }, blocks }),
  );
  assert.match(page.textContent, /Rate limited\. Continuing in 0:01/);
  assert.ok(page.find("button", "Send now"));
});
