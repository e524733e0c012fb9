import assert from "node:assert/strict";
import { test } from "node:test";
import "./panel-dom.js";

const { GrowingText, hasLongLine } = await import("../../extension/ui/growing-text.js");

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
    text += "012345678\n";
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

test("a long line is in parts, however it comes, and the text is the same", () => {
  const long = "\u0430b ".repeat(5_000);
  const letters = `${"x".repeat(999)}e\u0301${"y".repeat(5_000)}\u{1f600}`;
  const text = `one\ntwo\n${long}\nthree\n\n${letters}\n${"short\n".repeat(9_000)}${long}`;
  const whole = document.createElement("pre");
  new GrowingText(whole).update(text);
  assert.equal(whole.textContent, text);
  const parts = [...whole.childNodes].map((node) => node.textContent ?? "");
  assert.ok(parts.length > 40);
  for (const part of parts) {
    assert.ok(!hasLongLine(part));
    assert.ok(part.length <= 24_000);
    assert.match(part, /^(?!\u0301|[\udc00-\udfff])/);
  }
  for (const size of [7_000, 999, 61]) {
    const element = document.createElement("pre");
    const growing = new GrowingText(element);
    for (let length = size; length < text.length + size; length += size) growing.update(text.slice(0, length));
    assert.deepEqual(
      [...element.childNodes].map((node) => node.textContent),
      parts,
    );
    growing.update("short");
    assert.equal(element.textContent, "short");
    assert.equal(element.childNodes.length, 1);
    growing.update("short again");
    assert.equal(element.textContent, "short again");
  }
});
