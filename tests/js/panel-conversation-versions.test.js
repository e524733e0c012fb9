import assert from "node:assert/strict";
import { test } from "node:test";
import { BUSY, calls, IDLE, shown } from "./turn-on-page.js";

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
