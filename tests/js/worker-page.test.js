import assert from "node:assert/strict";
import { test } from "node:test";
import "./worker-globals.js";

/** What each attempt to inject a script does. @type {(() => any[])[]} */
const attempts = [];
let count = 0;
Object.assign(globalThis.chrome, {
  scripting: {
    executeScript: async () => {
      count += 1;
      return (attempts.shift() ?? refuse)();
    },
  },
  commands: { getAll: async () => [] },
  permissions: {},
});

const { readPage } = await import("../../extension/worker/page/page.js");

const tab = /** @type {chrome.tabs.Tab} */ ({ id: 1, windowId: 1, url: "https://example.com/" });
const result = { title: "T", address: "https://example.com/", text: "Words", missing: [] };

/** @returns {never} */
function refuse() {
  throw new Error("Cannot access contents of the page. Extension manifest must request permission to access the host.");
}

test("the permission that a click gives may reach the page after the click reached the worker", async () => {
  const answered = () => [{ frameId: 0, result }];
  attempts.push(refuse, refuse, answered, answered);
  assert.equal((await readPage(tab, true)).text, "Words");
});

test("a page that stays closed after a click is given up", async () => {
  count = 0;
  await assert.rejects(readPage(tab, true), /Extensions can't read this page\.$/);
  assert.equal(count, 4);
});

test("without a click there is nothing to wait for", async () => {
  count = 0;
  await assert.rejects(readPage(tab), /may not read this page yet/);
  assert.equal(count, 1);
});
