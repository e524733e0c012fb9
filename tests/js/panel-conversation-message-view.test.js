import assert from "node:assert/strict";
import { test } from "node:test";
import { BUSY, calls, edits, IDLE, shown } from "./turn-on-page.js";

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
