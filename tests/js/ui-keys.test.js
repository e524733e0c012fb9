import assert from "node:assert/strict";
import { test } from "node:test";
import { guardComposition, isComposing, isSendKey } from "../../extension/ui/keys.js";

/** @param {Partial<KeyboardEvent>} fields */
const stroke = (fields) => /** @type {KeyboardEvent} */ ({ key: "Enter", keyCode: 13, timeStamp: 100, ...fields });

test("Enter sends, alone and with Ctrl or the command key; Shift and Alt break the line", () => {
  for (const fields of [{}, { ctrlKey: true }, { metaKey: true }]) assert.equal(isSendKey(stroke(fields)), true);
  for (const fields of [{ shiftKey: true }, { altKey: true }, { ctrlKey: true, shiftKey: true }, { key: "a" }]) {
    assert.equal(isSendKey(stroke(fields)), false);
  }
});

test("a stroke of an input method sends nothing", () => {
  // mckaywrigley/chatbot-ui#718, NousResearch/hermes-agent#41026: 229 after the composition's end.
  for (const fields of [{ isComposing: true }, { keyCode: 229 }]) {
    assert.equal(isComposing(stroke(fields)), true);
    assert.equal(isSendKey(stroke(fields)), false);
  }
});

test("Enter and Escape of an input method reach nothing on the page, other strokes do", () => {
  const page = new EventTarget();
  guardComposition(/** @type {Window} */ (/** @type {unknown} */ (page)));
  /** @type {string[]} */
  const heard = [];
  page.addEventListener("keydown", (event) => heard.push(/** @type {KeyboardEvent} */ (event).key));
  /** @param {Partial<KeyboardEvent>} fields @returns {boolean}  Whether the browser does nothing of its own. */
  const press = (fields) => {
    const event = Object.assign(new Event("keydown", { cancelable: true }), { keyCode: 0, ...fields });
    page.dispatchEvent(event);
    return event.defaultPrevented;
  };
  assert.equal(press({ key: "Enter", isComposing: true }), true);
  assert.equal(press({ key: "Escape", keyCode: 229 }), true);
  assert.equal(press({ key: "a", isComposing: true }), false);
  assert.equal(press({ key: "Escape" }), false);
  assert.deepEqual(heard, ["a", "Escape"]);
  // The composition ends first, and the stroke that ended it comes like any other.
  page.dispatchEvent(new Event("compositionend"));
  assert.equal(press({ key: "Enter" }), true);
  assert.deepEqual(heard, ["a", "Escape"]);
});

test("a stroke some time after a composition is one of its own", () => {
  const page = new EventTarget();
  guardComposition(/** @type {Window} */ (/** @type {unknown} */ (page)));
  const end = new Event("compositionend");
  page.dispatchEvent(end);
  assert.equal(isComposing(stroke({ timeStamp: end.timeStamp + 1 })), true);
  // Pressed before: it is the one that ended it, and was handed over late.
  assert.equal(isComposing(stroke({ timeStamp: end.timeStamp - 8 })), true);
  assert.equal(isComposing(stroke({ timeStamp: end.timeStamp + 20 })), false);
});
