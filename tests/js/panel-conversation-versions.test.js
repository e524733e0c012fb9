import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { newRoot } from "./panel-dom.js";

/** @import {Turn} from "../../extension/shared/protocol.js" */
/** @import {Draft} from "../../extension/shared/storage/drafts.js" */

const { TurnView } = await import("../../extension/sidepanel/conversation/turn-view.js");
const { Edits } = await import("../../extension/sidepanel/conversation/edits.js");

const IDLE = { isBusy: false, isAsking: false };
const BUSY = { isBusy: true, isAsking: false };

/** @type {any[][]} */
let calls = [];
/** @type {InstanceType<typeof Edits>} */
let edits;
beforeEach(() => {
  calls = [];
  edits = newEdits();
});

/** Edits in a draft that nobody keeps. */
function newEdits() {
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
function newTurn(fields = {}) {
  const blocks = [{ kind: /** @type {const} */ ("text"), text: "Answer", open: false }];
  return { id: "t", user: "Question", created_at: 1, status: "completed", blocks, ...fields };
}

/**
 * A turn on a page.
 * @param {Partial<Turn>} [fields]
 */
function shown(fields, { isLast = true, state = IDLE } = {}) {
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

test("a turn without versions has nothing to switch", () => {
  assert.equal(shown().button("Next version"), undefined);
});

test("the versions before and after a turn can be shown, as far as there are any", () => {
  const { page, button } = shown({ id: "b", siblings: ["a", "b", "c"] });
  assert.ok(page.find("div", "Version 2 of 3"));
  button("Previous version").click();
  button("Next version").click();
  assert.deepEqual(calls, [
    ["showBranch", "a", "b"],
    ["showBranch", "c", "b"],
  ]);
  assert.equal(shown({ id: "a", siblings: ["a", "b"] }).button("Previous version").disabled, true);
  assert.equal(shown({ id: "b", siblings: ["a", "b"] }).button("Next version").disabled, true);
});

test("versions come and go with the turn's siblings", () => {
  const { turn, page, button, update } = shown();
  turn.siblings = ["t", "u"];
  update(IDLE);
  assert.ok(page.find("div", "Version 1 of 2"));
  delete turn.siblings;
  update(IDLE);
  assert.equal(button("Next version"), undefined);
});

test("while a turn is under way the branches cannot be changed", () => {
  const names = ["Previous version", "Next version", "Edit", "Regenerate"];
  const { button, update } = shown({ siblings: ["s", "t", "u"] }, { state: BUSY });
  assert.deepEqual(
    names.map((name) => button(name).disabled),
    [true, true, true, true],
  );
  update(IDLE);
  assert.deepEqual(
    names.map((name) => button(name).disabled),
    [false, false, false, false],
  );
});

test("the focus stays at the versions, on the button that still works", () => {
  const middle = shown({ id: "b", siblings: ["a", "b", "c"] });
  middle.view.focusVersions("previous");
  assert.equal(document.activeElement, middle.button("Previous version"));
  const first = shown({ id: "a", siblings: ["a", "b", "c"] });
  first.view.focusVersions("previous");
  assert.equal(document.activeElement, first.button("Next version"));
});
