import assert from "node:assert/strict";
import { test } from "node:test";
import { newRoot } from "./panel-dom.js";
import { shown } from "./turn-on-page.js";

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

test("a call that arrived without its image loads it on request", async () => {
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
  // Its end has not been in view, so it has not been read. It can still be refused.
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
