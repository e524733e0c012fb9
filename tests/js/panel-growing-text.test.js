import assert from "node:assert/strict";
import { test } from "node:test";
import "./panel-dom.js";

const { GrowingText } = await import("../../extension/ui/growing-text.js");

test("a text grows without being written again, and may become another one", () => {
  const element = document.createElement("pre");
  const growing = new GrowingText(element);
  const node = /** @type {any} */ (element.childNodes[0]);
  let written = 0;
  const { appendData } = node;
  node.appendData = (/** @type {string} */ piece) => {
    written += piece.length;
    appendData.call(node, piece);
  };
  let text = "";
  for (let number = 0; number < 1000; number++) {
    text += "0123456789";
    growing.update(text);
    growing.update(text);
  }
  assert.equal(node.data, text);
  assert.equal(written, text.length);
  growing.update("{}");
  assert.equal(node.data, "{}");
  growing.update("{} and more");
  assert.equal(node.data, "{} and more");
  assert.equal(element.childNodes.length, 1);
});
