/**
 * A turn as it is drawn for reading, in a browser whose clipboard is recorded. Import this first: it brings the page.
 */

import { beforeEach, mock } from "node:test";
import { newRoot } from "./panel-dom.js";

/** @import {Turn, TurnError} from "../../extension/shared/protocol.js" */

/** @type {string[]} */
export let copied = [];
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
        copied.push(text);
      },
    },
  },
});

const { TurnView } = await import("../../extension/sidepanel/conversation/turn-view.js");
const { applyEvent } = await import("../../extension/shared/turn.js");

export const IDLE = { isBusy: false, isAsking: false };
/** @type {TurnError} */
export const ERROR = {
  kind: "invalid_request",
  message: "The provider refused the request (status 400).",
  hint: "Change it.",
};

beforeEach(() => {
  copied = [];
  mock.timers.reset();
});

/**
 * @param {Partial<Turn>} [fields]
 * @returns {Turn}
 */
export function newTurn(fields = {}) {
  return { id: "t", user: "Question", created_at: 0, status: "completed", blocks: [], ...fields };
}

/** @param {Turn} turn */
export function show(turn, { isLast = true } = {}) {
  const edits = { get: () => undefined };
  const view = new TurnView(turn, /** @type {any} */ ({ edits, conversation: () => "c", changed: () => {} }));
  const page = newRoot();
  page.append(...view.nodes);
  view.update(turn, isLast, IDLE);
  return { page, view };
}

/** @param {Partial<Turn>} fields @param {any[]} events */
export function after(fields, events) {
  const turn = newTurn({ status: "running", ...fields });
  for (const event of events) applyEvent(turn, event);
  return turn;
}
