import assert from "node:assert/strict";
import { test } from "node:test";
import { after, IDLE, newTurn, show } from "./turn-for-readers.js";

const { takeOver } = await import("../../extension/shared/turn.js");

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
