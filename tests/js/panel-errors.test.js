/** What is said and copied of an error, of an answer with something to know about it, and of calls that nobody ran. */

import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import { newRoot } from "./panel-dom.js";

/** @import {Block, Turn, TurnError} from "../../extension/shared/protocol.js" */

/** @type {string[]} */
let copied = [];
let isClipboardOpen = true;
Object.assign(globalThis, {
  chrome: { runtime: { getManifest: () => ({ version: "1.2.3" }) } },
});
Object.assign(document, { body: newRoot() });
Object.defineProperty(globalThis, "navigator", {
  configurable: true,
  value: {
    userAgent: "Plain browser/1",
    userAgentData: {
      platform: "Linux",
      brands: [
        { brand: "Chromium", version: "153" },
        { brand: "Not;A=Brand", version: "8" },
      ],
    },
    clipboard: {
      writeText: async (/** @type {string} */ text) => {
        if (!isClipboardOpen) throw new Error("no");
        copied.push(text);
      },
    },
  },
});

const { detailsText } = await import("../../extension/sidepanel/conversation/error-details.js");
const { copy } = await import("../../extension/sidepanel/conversation/markdown-actions.js");
const { TurnView } = await import("../../extension/sidepanel/conversation/turn-view.js");
const { applyEvent, takeOver } = await import("../../extension/shared/turn.js");
const { callLine, toolState } = await import("../../extension/sidepanel/tools/call-labels.js");
const { waitingText } = await import("../../extension/sidepanel/conversation/turn-labels.js");

const IDLE = { isBusy: false, isAsking: false };
/** @type {TurnError} */
const ERROR = {
  kind: "invalid_request",
  message: "The provider refused the request (status 400).",
  hint: "Change it.",
};
const EXCHANGE = {
  method: "POST",
  url: "https://api.test/v1/responses",
  request_headers: { "content-type": "application/json", authorization: "***" },
  request_body: '{"model":"m","input":"Hello"}',
  status: 400,
  response_headers: { "x-request-id": "req_1" },
  response_body: '{"error":{"message":"No."}}',
};

beforeEach(() => {
  copied = [];
  isClipboardOpen = true;
  mock.timers.reset();
});

/**
 * @param {Partial<Turn>} [fields]
 * @returns {Turn}
 */
function newTurn(fields = {}) {
  return { id: "t", user: "Question", created_at: 0, status: "completed", blocks: [], ...fields };
}

/** @param {Turn} turn */
function show(turn, { isLast = true } = {}) {
  const edits = { get: () => undefined };
  const view = new TurnView(turn, /** @type {any} */ ({ edits, conversation: () => "c", changed: () => {} }));
  const page = newRoot();
  page.append(...view.nodes);
  view.update(turn, isLast, IDLE);
  return { page, view };
}

/** @param {Partial<Turn>} fields @param {any[]} events */
function after(fields, events) {
  const turn = newTurn({ status: "running", ...fields });
  for (const event of events) applyEvent(turn, event);
  return turn;
}

// --- the text of a report -------------------------------------------------------------------------------------------------

test("a report says what happened, who was asked for what, and shows the exchange", () => {
  const text = detailsText(
    {
      ...ERROR,
      status: 400,
      request_id: "req_1",
      server_message: "No.",
      details: {
        provider: "OpenAI",
        origin: "https://api.test",
        model: "gpt-5",
        wire_api: "responses",
        attempts: 2,
        finish_reason: "length",
        notices: ["Sent without stream_options."],
        version: "1.2.4",
        exchange: EXCHANGE,
      },
    },
    { status: "failed", at: 0 },
  );
  assert.equal(
    text,
    `What happened: The provider refused the request (status 400).
What to do: Change it.
The server said: No.
Kind of error: invalid_request
Provider: OpenAI (https://api.test)
Model: gpt-5
Wire API: responses
Status: 400
Request id: req_1
Finish reason: length
Attempts: 2
Notices: Sent without stream_options.
Turn: failed
Begun: 1970-01-01T00:00:00.000Z
Sidestream: 1.2.3, core 1.2.4
Browser: Chromium 153 on Linux

--- Request, with the lengths of texts in place of the texts ---
POST https://api.test/v1/responses
content-type: application/json
authorization: [redacted]

{"model":"m","input":"Hello"}

--- Response ---
HTTP 400
x-request-id: req_1

{"error":{"message":"No."}}
`,
  );
});

test("vellum-ai/vellum-assistant#15630: what is known is copied where there are no details", () => {
  const text = detailsText({ kind: "internal", message: "It broke." });
  assert.match(text, /^What happened: It broke\.\nKind of error: internal\nSidestream: 1\.2\.3\nBrowser: /);
  assert.doesNotMatch(text, /undefined|null|---/);
});

test("CherryHQ/cherry-studio#19824: an object is told by what is in it, never as [object Object]", () => {
  const odd = /** @type {any} */ ({
    ...ERROR,
    server_message: { code: 4, text: "No." },
    details: {
      notices: [{ a: 1 }],
      exchange: { request_body: { model: "m" }, response_headers: "odd", status: "odd" },
    },
  });
  const text = detailsText(odd);
  assert.match(text, /The server said: \{"code":4,"text":"No\."\}/);
  assert.match(text, /\n\n--- Request.*\n\{"model":"m"\}\n/);
  assert.doesNotMatch(text, /\[object/);
  const { page } = show(newTurn({ status: "failed", error: odd }));
  assert.doesNotMatch(page.textContent, /\[object/);
});

test("AstrBotDevs/AstrBot#440: a key that stands anywhere in an error is not copied", () => {
  const key = "sk-abcdefghijklmnop";
  const text = detailsText({
    ...ERROR,
    server_message: `Bad key: Bearer ${key}`,
    details: {
      exchange: {
        ...EXCHANGE,
        url: `https://api.test/v1?api_key=${key}`,
        request_headers: { Authorization: `Bearer ${key}` },
        response_body: JSON.stringify({ headers: { "api-key": "0123456789abcdef" }, prompt_cache_key: "kept" }),
      },
    },
  });
  assert.doesNotMatch(text, /abcdefgh|0123456789abcdef/);
  assert.match(text, /"prompt_cache_key":"kept"/);
});

test("images are left out of a report, and the rest is bounded", () => {
  const image = `data:image/png;base64,${"iVBOR".repeat(200)}==`;
  const text = detailsText({
    ...ERROR,
    message: "x".repeat(10_000),
    details: { exchange: { ...EXCHANGE, request_body: `{"url":"${image}","more":"${"word ".repeat(10_000)}"}` } },
  });
  assert.match(text, /data:image\/png;base64,\[1002 characters left out\]/);
  assert.match(text, /… \[6000 more characters left out\]/);
  assert.ok(text.length < 25_000);
});

// --- copying ----------------------------------------------------------------------------------------------------------------

/** @returns {any} */
function newButton(label = "Copy details") {
  const button = document.createElement("button");
  button.append(label);
  Object.assign(button, { dataset: {} });
  return button;
}

test("sul-dlss/sul-embed#2786: a button that has copied says so, also to screen readers, and is itself again, however often it is pressed", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const button = newButton();
  await copy("a", button);
  mock.timers.tick(1500);
  assert.equal(button.textContent, "Copied");
  assert.equal(document.body.textContent, "Copied");
  await copy("b", button);
  mock.timers.tick(1500);
  assert.equal(button.textContent, "Copied");
  mock.timers.tick(600);
  assert.equal(button.textContent, "Copy details");
  assert.equal(document.body.textContent, "");
  assert.deepEqual(copied, ["a", "b"]);
  isClipboardOpen = false;
  await copy("c", button);
  assert.equal(button.textContent, "Copying failed");
});

test("dyad-sh/dyad#1870: each error can be copied, beside what helps on, the last one or not", async () => {
  const turn = newTurn({ status: "failed", model: "m", error: { ...ERROR, kind: "network" } });
  for (const isLast of [true, false]) {
    const { page } = show(turn, { isLast });
    assert.ok(page.find("button", "Open settings"));
    const button = page.find("button", "Copy details");
    Object.assign(button, { dataset: {} });
    button.click();
    await new Promise(setImmediate);
    assert.match(copied.at(-1) ?? "", /^What happened: The provider refused[\s\S]*\nModel: m\n[\s\S]*Turn: failed/);
  }
});

test("a stopped answer is no error, and has nothing to report", () => {
  const { page } = show(newTurn({ status: "stopped" }));
  assert.equal(page.find("button", "Copy details"), undefined);
});

// --- notices ------------------------------------------------------------------------------------------------------------------

const NOTICE = "Sent without stream_options, which this server refuses.";

test("a notice is taken in once, and shown below the answer while it is written and after its end", () => {
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

test("chatboxai/chatbox#3821: reasoning without an answer says so, and is not the answer", () => {
  const said = "The model has thought, and given no answer.";
  const blocks = [{ kind: /** @type {const} */ ("reasoning"), text: "Hm.", open: false }];
  const { page } = show(newTurn({ blocks, notices: [said] }));
  assert.ok(page.find("p", said));
  assert.equal(page.find("button", "Copy answer"), undefined);
});

test("a run that begins anew forgets what was said of the last one", () => {
  const turn = newTurn({ status: "failed", notices: [NOTICE], finish_reason: "length" });
  takeOver(turn, newTurn({ status: "running" }));
  assert.equal(turn.notices, undefined);
  assert.equal(turn.finish_reason, undefined);
});

test("a finish reason is shown with the error, unless that names it or it says nothing", () => {
  const shown = (/** @type {string} */ finish_reason, message = "The answer is incomplete.") =>
    show(newTurn({ status: "incomplete", finish_reason, error: { ...ERROR, message } })).page.textContent;
  assert.match(shown("malformed_function_call"), /finish reason malformed_function_call/);
  assert.doesNotMatch(shown("stop"), /finish reason/);
  assert.doesNotMatch(shown("length", "The answer stopped: length."), /finish reason/);
  const turn = after({}, [{ type: "Completed", response_id: "", finish_reason: "length" }]);
  assert.equal(turn.finish_reason, "length");
});

// --- calls --------------------------------------------------------------------------------------------------------------------

const CALL = /** @type {Block} */ ({ kind: "tool", text: "{}", name: "look_up", call_id: "c", open: false });

test("nesquena/hermes-webui#7358: a call is not shown as completed when nobody ran it", () => {
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

// --- reasoning ----------------------------------------------------------------------------------------------------------------

/** @param {string} id @param {string} text */
const reasoning = (id, text) => ({ type: "reasoning", id, summary: [], content: [{ type: "reasoning_text", text }] });

test("infiniflow/ragflow#18371: reasoning that no tag had opened leaves the text, and is not copied", async () => {
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

test("a message whose text becomes another one is drawn anew", () => {
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

test("reasoning that is finished twice is one block; under an id that is counted anew it is another one", () => {
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

// --- waiting ------------------------------------------------------------------------------------------------------------------

test("an answer that was put back into the queue after it had begun says when it continues", () => {
  const waiting = /** @type {const} */ ({ reason: "rate_limit", until: 125_000 });
  assert.equal(waitingText(waiting, 0), "Rate limit: goes in 2:05 min");
  assert.equal(waitingText(waiting, 0, true), "Rate limit: continues in 2:05 min");
  const blocks = [{ ...CALL, output: "4" }];
  const { page } = show(
    newTurn({ status: "queued", waiting: { reason: "rate_limit", until: Date.now() + 900 }, blocks }),
  );
  assert.match(page.textContent, /Rate limit: continues in 1 s/);
  assert.ok(page.find("button", "Send now"));
});
