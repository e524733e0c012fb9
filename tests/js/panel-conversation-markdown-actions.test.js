import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import { newRoot } from "./panel-dom.js";

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

const { copy } = await import("../../extension/sidepanel/conversation/markdown-actions.js");

beforeEach(() => {
  copied = [];
  isClipboardOpen = true;
  mock.timers.reset();
});

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
