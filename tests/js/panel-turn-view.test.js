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

// --- versions ---------------------------------------------------------------------------------------------------------

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

test("the keyboard goes on at the versions, on the button that still leads somewhere", () => {
  const middle = shown({ id: "b", siblings: ["a", "b", "c"] });
  middle.view.focusVersions("previous");
  assert.equal(document.activeElement, middle.button("Previous version"));
  const first = shown({ id: "a", siblings: ["a", "b", "c"] });
  first.view.focusVersions("previous");
  assert.equal(document.activeElement, first.button("Next version"));
});

// --- editing ----------------------------------------------------------------------------------------------------------

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

test("what is attached to a message stands at it, and goes with the edited one unless it is removed", () => {
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

// --- the row below an answer, and what helps on -----------------------------------------------------------------------------

test("an answer can be regenerated, wherever it stands, unless it can be retried", () => {
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
  // A message that is held back in the line makes it busy, and waits for just this.
  place.update(BUSY);
  assert.equal(place.button("Continue").disabled, false);
  assert.equal(shown({ status: "failed", error, actions: ["compact"] }, { isLast: false }).button("Retry"), undefined);
});

test("what stands below an answer stays when more is known of it", () => {
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

// --- compaction -------------------------------------------------------------------------------------------------------

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

test("a compaction that stands at the place of a message has versions too", () => {
  const { view, page, button } = shown({ id: "c", kind: "compaction", user: "", siblings: ["a", "c"] });
  assert.ok(page.find("div", "Version 2 of 2"));
  button("Previous version").click();
  assert.deepEqual(calls, [["showBranch", "a", "c"]]);
  view.focusVersions("next");
  assert.equal(document.activeElement, button("Previous version"));
});

test("a compaction says how it stands, and can be tried again in plain sight", () => {
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

// --- edits ------------------------------------------------------------------------------------------------------------

test("an edit is a part of the draft until it is dropped", () => {
  edits.write("t", "Half a");
  edits.write("t", "Half a sentence");
  assert.equal(edits.get("t")?.text, "Half a sentence");
  edits.drop("t");
  assert.equal(edits.get("t"), undefined);
});

test("an edit is sent again with the same id until the worker has it", () => {
  const message = { id: "n", text: "Whole", conversation: "c" };
  edits.send("t", message);
  assert.deepEqual(edits.unconfirmed, [{ replaces: "t", ...message }]);
  edits.confirm("n");
  assert.deepEqual([edits.unconfirmed, edits.get("t")], [[], undefined]);
});

test("a rejected edit, and one whose conversation is not shown any more, keep their text", () => {
  edits.send("t", { id: "n", text: "One", conversation: "c" });
  edits.send("u", { id: "m", text: "Two", conversation: "c" });
  assert.equal(edits.reject("n"), true);
  assert.equal(edits.reject("other"), false);
  assert.deepEqual(
    edits.unconfirmed.map(({ id }) => id),
    ["m"],
  );
  edits.leave();
  assert.deepEqual(edits.unconfirmed, []);
  assert.deepEqual([edits.get("t")?.text, edits.get("u")?.text], ["One", "Two"]);
});

// --- what the provider's tools give -------------------------------------------------------------------------------------

test("pages that were found are links, and files are names", () => {
  const sources = [{ title: "a.pdf" }, { url: "javascript:alert(1)", title: "b" }, { url: "https://c.example/x" }, {}];
  const block = /** @type {const} */ ({
    kind: "tool",
    name: "file_search",
    text: "q",
    status: "completed",
    open: false,
  });
  const { page } = shown({ blocks: [{ ...block, shown: { sources } }] });
  assert.equal(page.find("ol", "Found").textContent, "a.pdfbc.example");
  assert.equal(page.find("a", "c.example").getAttribute("href"), "https://c.example/x");
  assert.equal(page.find("a", "b"), undefined);
});

test("an image that was made is shown by its description, and can be saved; one that is linked is not loaded", () => {
  const block = /** @type {const} */ ({ kind: "tool", text: "A cat", status: "completed", open: false });
  const figures = [{ type: /** @type {const} */ ("jpeg"), base64: "/9j/" }];
  const { page } = shown({ blocks: [{ ...block, name: "image_generation", shown: { figures } }] });
  const image = page.find("img", "");
  assert.equal(image.getAttribute("src"), "data:image/jpeg;base64,/9j/");
  assert.equal(image.getAttribute("alt"), "A cat");
  assert.ok(page.find("button", "Save image"));
  const sources = [{ url: "https://files.example/plot.png", title: "Image 1" }];
  const linked = shown({ blocks: [{ ...block, name: "code_interpreter", shown: { sources } }] }).page;
  assert.equal(linked.find("img", ""), undefined);
  assert.ok(linked.find("a", "Image 1"));
});

test("what came without its image is loaded when somebody wants to see it", async () => {
  /** @type {any[]} */
  const requests = [];
  const answers = [
    { ok: false, error: { kind: "not_found", message: "It is gone." } },
    { ok: true, shown: { figures: [{ type: "png", base64: "iVBORw0KGgo" }] } },
  ];
  Object.assign(globalThis, {
    chrome: {
      runtime: { sendMessage: async (/** @type {any} */ request) => requests.push(request) && answers.shift() },
    },
  });
  const block = /** @type {const} */ ({ kind: "tool", text: "A cat", status: "completed", open: false });
  const text = /** @type {const} */ ({ kind: "text", text: "Here:", open: false });
  const { page } = shown({ blocks: [text, { ...block, name: "image_generation", shown: { held_back: true } }] });
  const button = page.find("button", "Show the image");
  assert.equal(page.find("img", ""), undefined);
  await button.click();
  await new Promise(setImmediate);
  assert.ok(page.find("span", "It is gone."));
  await button.click();
  await new Promise(setImmediate);
  assert.equal(page.find("img", "").getAttribute("alt"), "A cat");
  assert.equal(page.find("button", "Show the image"), undefined);
  assert.deepEqual(requests[1], { type: "LoadShown", conversation: "c", turn: "t", block: 1 });
});

test("a call is shown as it is, also when another one takes its place", async () => {
  const { createBlockView } = await import("../../extension/sidepanel/conversation/block-view.js");
  const text = (/** @type {string} */ code) => JSON.stringify({ code });
  /** @type {import("../../extension/shared/protocol.js").Block} */
  const block = { kind: "tool", name: "python", item_id: "i", call_id: "c", text: text("harmless()"), open: false };
  /** @type {unknown[]} */
  const decided = [];
  const decide = (/** @type {string} */ _, /** @type {unknown} */ decision) => decided.push(decision);
  const view = createBlockView(block, { decide, hosts: () => [], artifactsOf: async () => ({}) });
  view.update(block);
  assert.match(view.root.textContent ?? "", /harmless\(\)/);
  block.text = text("hostile()");
  block.asks = true;
  view.update(block);
  assert.match(view.root.textContent ?? "", /hostile\(\)/);
  assert.doesNotMatch(view.root.textContent ?? "", /harmless/);
  // Its end has not been in view, so nobody has read it; it can be refused all the same.
  const page = newRoot();
  page.append(view.root);
  for (const name of ["Allow once", "Allow in this conversation"]) {
    assert.equal(page.find("button", name).getAttribute("aria-disabled"), "true");
    page.find("button", name).dispatch("click", { detail: 1 });
  }
  assert.deepEqual(decided, []);
  page.find("button", "Don't allow").dispatch("click", { detail: 1 });
  assert.deepEqual(decided, [{ allow: false }]);
});

// SkillfulAgents/SuperAgent#203: one tool call that could not be drawn took the thread along, and the session could not be opened any more.
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

test("an end that cannot be drawn leaves the answer in view, with a word about it", () => {
  const { page } = shown({ status: "failed", error: /** @type {any} */ ({ message: Symbol("x") }) });
  assert.ok(page.textContent?.includes("Answer"));
  assert.ok(page.textContent?.includes("A part of this turn could not be drawn."));
});
