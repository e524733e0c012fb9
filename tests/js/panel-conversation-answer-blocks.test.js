import assert from "node:assert/strict";
import { test } from "node:test";
import { after, copied, ERROR, newTurn, show } from "./turn-for-readers.js";

/** @import {Block} from "../../extension/shared/protocol.js" */

const { applyEvent, takeOver } = await import("../../extension/shared/turn.js");
const { callLine, toolState } = await import("../../extension/sidepanel/tools/call-labels.js");

const CALL = /** @type {Block} */ ({ kind: "tool", text: "{}", name: "look_up", call_id: "c", open: false });

/** @param {string} id @param {string} text */
const reasoning = (id, text) => ({ type: "reasoning", id, summary: [], content: [{ type: "reasoning_text", text }] });

test("chatboxai/chatbox#3821: reasoning without an answer has a note, and is not the answer", () => {
  const said = "The model has thought, and given no answer.";
  const blocks = [{ kind: /** @type {const} */ ("reasoning"), text: "Hm.", open: false }];
  const { page } = show(newTurn({ blocks, notices: [said] }));
  assert.ok(page.find("p", said));
  assert.equal(page.find("button", "Copy answer"), undefined);
});

test("nesquena/hermes-webui#7358: a call that was not run is not shown as completed", () => {
  assert.equal(toolState({ ...CALL, status: "not_run" }), "not run");
  assert.equal(toolState({ ...CALL, status: "not_run", output: "error: …", failed: true }), "not run");
  assert.equal(toolState({ ...CALL, status: "not_run", output: "" }), "not run");
  // What the provider calls completed is the call as it is written.
  assert.equal(toolState({ ...CALL, status: "completed" }), "");
  assert.equal(toolState({ ...CALL, status: "completed" }, true), "not run");
  assert.match(show(newTurn({ blocks: [{ ...CALL, status: "completed" }] })).page.textContent, /look_up\s*not run/);
  assert.equal(toolState({ ...CALL, status: "completed", output: "4" }), "done");
  assert.equal(toolState({ ...CALL, call_id: undefined, name: "mcp", status: "completed" }), "completed");
  const search = { ...CALL, call_id: undefined, name: "web_search" };
  assert.deepEqual(callLine({ ...search, status: "not_run" }), { title: "Web search: {}", state: "not run" });
});

test("getnao/nao#1546: a call whose stream broke is not shown as running", () => {
  const turn = after({}, [{ type: "FunctionCallArgumentsDelta", item_id: "i", call_id: "c", name: "x", delta: "{" }]);
  assert.equal(toolState(turn.blocks[0]), "running");
  takeOver(turn, { ...turn, status: "failed", blocks: [{ ...turn.blocks[0] }], error: ERROR });
  assert.equal(toolState(turn.blocks[0]), "");
});

test("infiniflow/ragflow#18371: reasoning without an opening tag is removed from the text, and is not copied", async () => {
  const turn = after({}, [
    { type: "OutputTextDelta", item_id: "m", delta: "Two and two, so…" },
    { type: "OutputTextReplaced", item_id: "m", text: "" },
    { type: "OutputItemAdded", item: reasoning("r", "") },
    { type: "ReasoningContentDelta", delta: "Two and two, so…" },
    { type: "OutputItemDone", item: reasoning("r", "Two and two, so…") },
    { type: "OutputTextDelta", item_id: "m", delta: "Four." },
    { type: "Completed", response_id: "" },
  ]);
  assert.deepEqual(
    turn.blocks.map(({ kind, text }) => [kind, text]),
    [
      ["reasoning", "Two and two, so…"],
      ["text", "Four."],
    ],
  );
  takeOver(turn, { ...turn, status: "completed" });
  const button = show(turn).page.find("button", "Copy answer");
  Object.assign(button, { dataset: { label: "Copy answer" } });
  button.click();
  await new Promise(setImmediate);
  assert.deepEqual(copied, ["Four."]);
});

test("a message whose text changes is drawn again", () => {
  const turn = after({}, [{ type: "OutputTextDelta", item_id: "m", delta: "Thought</think>Answ" }]);
  const [before] = turn.blocks;
  applyEvent(turn, { type: "OutputTextReplaced", item_id: "m", text: "Answ" });
  applyEvent(turn, { type: "OutputTextDelta", item_id: "m", delta: "er" });
  assert.deepEqual(
    turn.blocks.map(({ text, open }) => [text, open]),
    [["Answer", true]],
  );
  assert.notEqual(turn.blocks[0], before);
  // Of a message that is not there nothing is replaced.
  applyEvent(turn, { type: "OutputTextReplaced", item_id: "other", text: "x" });
  assert.equal(turn.blocks.length, 1);
});

test("reasoning that is finished twice is one block; with a new id it is another one", () => {
  const done = (/** @type {any} */ item) => ({ type: "OutputItemDone", item });
  const twice = [done(reasoning("rs_1", "Hm.")), done({ ...reasoning("rs_1", "Hm."), encrypted_content: "e" })];
  const turn = after({}, twice);
  assert.deepEqual(
    turn.blocks.map(({ text }) => text),
    ["Hm."],
  );
  applyEvent(turn, done(reasoning("rs_1", "Hm. Well.")));
  assert.deepEqual(
    turn.blocks.map(({ text }) => text),
    ["Hm. Well."],
  );
  turn.blocks.push({ ...CALL, output: "4" });
  applyEvent(turn, done(reasoning("rs_1", "And so.")));
  assert.deepEqual(
    turn.blocks.map(({ text }) => text),
    ["Hm. Well.", "{}", "And so."],
  );
});
