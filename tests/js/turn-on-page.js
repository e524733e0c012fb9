/** A turn on a page, with actions that are recorded. Import this first: it brings the page. */

import { beforeEach } from "node:test";
import { newRoot } from "./panel-dom.js";

/** @import {Turn} from "../../extension/shared/protocol.js" */
/** @import {Draft} from "../../extension/shared/storage/drafts.js" */

const { TurnView } = await import("../../extension/sidepanel/conversation/turn-view.js");
const { Edits } = await import("../../extension/sidepanel/conversation/edits.js");

export const IDLE = { isBusy: false, isAsking: false };
export const BUSY = { isBusy: true, isAsking: false };

/** @type {any[][]} */
export let calls = [];
/** @type {InstanceType<typeof Edits>} */
export let edits;
beforeEach(() => {
  calls = [];
  edits = newEdits();
});

/** Edits in a draft that nobody keeps. */
export function newEdits() {
  const drafts = {
    current: /** @type {Draft} */ ({ text: "", attachments: [], edits: {}, sending: [] }),
    /** @param {Partial<Draft>} change */
    change(change) {
      drafts.current = { ...drafts.current, ...change };
    },
  };
  return new Edits(drafts);
}

/** @returns {any} */
function actions() {
  const names = [
    "retry",
    "regenerate",
    "continueAnswer",
    "compact",
    "sendNow",
    "cancel",
    "openSettings",
    "resend",
    "showBranch",
  ];
  const record = (/** @type {string} */ name) => [name, (/** @type {any[]} */ ...args) => calls.push([name, ...args])];
  return { ...Object.fromEntries(names.map(record)), edits, conversation: () => "c", changed: () => {} };
}

/**
 * @param {Partial<Turn>} [fields]
 * @returns {Turn}
 */
export function newTurn(fields = {}) {
  const blocks = [{ kind: /** @type {const} */ ("text"), text: "Answer", open: false }];
  return { id: "t", user: "Question", created_at: 1, status: "completed", blocks, ...fields };
}

/**
 * A turn on a page.
 * @param {Partial<Turn>} [fields]
 */
export function shown(fields, { isLast = true, state = IDLE } = {}) {
  const turn = newTurn(fields);
  const view = new TurnView(turn, actions());
  const page = newRoot();
  page.append(...view.nodes);
  view.update(turn, isLast, state);
  return {
    turn,
    page,
    view,
    button: (/** @type {string} */ name) => page.find("button", name),
    update: (/** @type {typeof IDLE} */ fresh) => view.update(turn, isLast, fresh),
  };
}
