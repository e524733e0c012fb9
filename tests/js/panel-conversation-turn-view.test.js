import assert from "node:assert/strict";
import { test } from "node:test";
import { BUSY, calls, IDLE, shown } from "./turn-on-page.js";

test("any answer can be regenerated, unless it can be retried", () => {
  shown({}, { isLast: false }).button("Regenerate").click();
  assert.deepEqual(calls, [["regenerate", "t"]]);
  assert.ok(shown({ status: "failed", blocks: [] }, { isLast: false }).button("Regenerate"));
  const stopped = shown({ status: "stopped" });
  assert.equal(stopped.button("Regenerate"), undefined);
  assert.ok(stopped.button("Retry"));
});

test("what helps on after a bad end is offered, each once at a time", () => {
  const error = { kind: "context_length", message: "Too long." };
  const place = shown({ status: "failed", error, actions: ["continue", "compact"] });
  for (const name of ["Continue", "Summarise and retry", "Retry"]) place.button(name).click();
  assert.deepEqual(calls, [
    ["continueAnswer", "t"],
    ["compact", "t"],
    ["retry", "t"],
  ]);
  place.update({ isBusy: true, isAsking: true });
  assert.equal(place.button("Continue").disabled, true);
  // A message on hold makes the conversation busy, and waits for just this.
  place.update(BUSY);
  assert.equal(place.button("Continue").disabled, false);
  assert.equal(shown({ status: "failed", error, actions: ["compact"] }, { isLast: false }).button("Retry"), undefined);
});

test("the row below an answer stays when more is known of it", () => {
  const { turn, page, view } = shown();
  const [copyButton, regenerate] = ["Copy answer", "Regenerate"].map((name) => page.find("button", name));
  view.update({ ...turn, usage: { input_tokens: 10, output_tokens: 20, total_tokens: 30 } }, false, IDLE);
  assert.equal(page.find("button", "Copy answer"), copyButton);
  assert.equal(page.find("button", "Regenerate"), regenerate);
});

test("what is offered follows the turn", () => {
  const { turn, button, update } = shown({ status: "incomplete" });
  assert.equal(button("Continue"), undefined);
  Object.assign(turn, { actions: ["continue"], blocks: [...turn.blocks] });
  update(IDLE);
  assert.ok(button("Continue"));
});

test("a compaction is one foldable note without a question", () => {
  const { page, view, button } = shown({ kind: "compaction", user: "" });
  assert.equal(view.nodes.length, 1);
  assert.equal(page.find("article", "You"), undefined);
  const [fold] = page.find("article", "Summary").children;
  assert.equal(fold.tagName, "DETAILS");
  assert.match(fold.textContent, /^Earlier messages were summarised\s*Answer/);
  assert.equal(button("Regenerate"), undefined);
  assert.ok(button("Copy answer"));
});

test("a compaction in the place of a message has versions too", () => {
  const { view, page, button } = shown({ id: "c", kind: "compaction", user: "", siblings: ["a", "c"] });
  assert.ok(page.find("div", "Version 2 of 2"));
  button("Previous version").click();
  assert.deepEqual(calls, [["showBranch", "a", "c"]]);
  view.focusVersions("next");
  assert.equal(document.activeElement, button("Previous version"));
});

test("a compaction shows its state, and has a visible button to retry", () => {
  const running = shown({ kind: "compaction", user: "", status: "running", blocks: [] });
  assert.match(running.page.textContent, /^Summarising earlier messages…/);
  const failed = shown({
    kind: "compaction",
    user: "",
    status: "failed",
    blocks: [],
    error: { kind: "x", message: "No." },
  });
  const [fold, box] = failed.page.find("article", "Summary").children;
  assert.equal(fold.textContent, "Earlier messages were not summarised");
  assert.match(box.textContent, /No\./);
  failed.button("Retry").click();
  assert.deepEqual(calls, [["retry", "t"]]);
});

// SkillfulAgents/SuperAgent#203: one tool call that could not be drawn took the thread along, and the session could not
// be opened any more.
test("a block that cannot be drawn is shown as plain text, and the others as they are", () => {
  const damaged = /** @type {any} */ ({ kind: "text", text: "Second", citations: 5, open: false });
  const blocks = [
    { kind: /** @type {const} */ ("refusal"), text: "First", open: false },
    damaged,
    { kind: /** @type {const} */ ("refusal"), text: "Third", open: false },
  ];
  const { page } = shown({ blocks });
  const text = page.textContent ?? "";
  for (const word of ["Question", "First", "Second", "Third", "could not be drawn"])
    assert.ok(text.includes(word), word);
  assert.ok(text.indexOf("First") < text.indexOf("Second") && text.indexOf("Second") < text.indexOf("Third"));
});

test("a call that asks and cannot be drawn can be refused, and not allowed", () => {
  const call = /** @type {any} */ ({
    kind: "tool",
    text: { code: 1 },
    name: "python",
    call_id: "k",
    asks: true,
    open: false,
  });
  const { page } = shown({ status: "running", blocks: [call] });
  assert.ok(page.find("button", "Don't allow"));
  for (const name of ["Allow once", "Allow in this conversation"]) assert.equal(page.find("button", name), undefined);
});

test("an end that cannot be drawn keeps the answer in view, with a note", () => {
  const { page } = shown({ status: "failed", error: /** @type {any} */ ({ message: Symbol("x") }) });
  assert.ok(page.textContent?.includes("Answer"));
  assert.ok(page.textContent?.includes("A part of this turn could not be drawn."));
});
