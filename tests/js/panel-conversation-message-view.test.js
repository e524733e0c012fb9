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

/** @param {ReturnType<typeof shown>} place */
function edit(place) {
  place.button("Edit").click();
  return place.page.find("textarea", "Edited message");
}

/**
 * @param {any} box
 * @param {string} text
 */
function type(box, text) {
  box.value = text;
  box.dispatch("input");
}

test("an edited message is sent in place of the turn by Enter, and not by Shift+Enter or in an input method", () => {
  const box = edit(shown());
  assert.equal(box.value, "Question");
  assert.equal(document.activeElement, box);
  type(box, " Another question\n");
  assert.equal(box.dispatch("keydown", { key: "Enter", shiftKey: true }).defaultPrevented, false);
  box.dispatch("keydown", { key: "Enter", isComposing: true });
  assert.deepEqual(calls, []);
  box.dispatch("keydown", { key: "Enter" });
  assert.deepEqual(calls, [["resend", "t", "Another question", []]]);
});

test("attachments are shown at their message, and stay with an edited one unless they are removed", () => {
  const attachments = ["One", "Two"].map((title) => ({
    id: title,
    kind: /** @type {const} */ ("page"),
    title,
    url: "https://a.test/x",
    tokens: 3214,
    size: 9,
  }));
  const place = shown({ user: "", attachments });
  const [list, , bubble] = place.page.find("article", "You").children;
  assert.equal(list.textContent, "Onea.test · about 3,200 tokensTwoa.test · about 3,200 tokens");
  assert.equal(bubble.hidden, true, "there are no words");
  assert.equal(place.button("Remove One"), undefined);
  const box = edit(place);
  place.button("Remove One").click();
  assert.equal(place.button("Remove One"), undefined);
  box.dispatch("keydown", { key: "Enter" });
  assert.deepEqual(calls, [["resend", "t", "", [attachments[1]]]]);
  type(box, "Words");
  place.button("Remove Two").click();
  assert.deepEqual(edits.get("t"), { text: "Words", attachments: [] });
  place.button("Cancel").click();
  assert.ok(place.page.textContent.includes("One"));
});

test("an edit is not sent empty, nor while a turn is under way", () => {
  const place = shown();
  const box = edit(place);
  type(box, "  ");
  box.dispatch("keydown", { key: "Enter" });
  assert.equal(place.button("Send").disabled, true);
  type(box, "Another");
  place.update(BUSY);
  box.dispatch("keydown", { key: "Enter" });
  assert.equal(place.button("Send").disabled, true);
  assert.deepEqual(calls, []);
  place.update(IDLE);
  assert.equal(place.button("Send").disabled, false);
});

test("Escape keeps what was typed for the next time, Cancel does not, and neither stops anything else", () => {
  const place = shown();
  const box = edit(place);
  type(box, "Another");
  assert.equal(box.dispatch("keydown", { key: "Escape" }).defaultPrevented, true);
  assert.equal(place.page.find("textarea", "Edited message"), undefined);
  assert.equal(document.activeElement, place.button("Edit"));
  assert.equal(place.page.find("div", "Question").hidden, false);
  assert.equal(edit(place).value, "Another");
  place.button("Cancel").click();
  assert.equal(edit(place).value, "Question");
  place.button("Cancel").click();
  assert.equal(place.page.find("textarea", "Edited message"), undefined);
  assert.equal(place.page.find("div", "Question").hidden, false);
});

test("an edit on its way waits, and one that was rejected can be changed", () => {
  const place = shown();
  const box = edit(place);
  edits.send("t", { id: "n", text: "Another", conversation: "c" });
  place.update(BUSY);
  assert.deepEqual([box.readOnly, place.button("Send").disabled, place.button("Cancel").disabled], [true, true, true]);
  edits.reject("n");
  place.update(IDLE);
  assert.deepEqual(
    [box.readOnly, place.button("Send").disabled, place.button("Cancel").disabled],
    [false, false, false],
  );
});
