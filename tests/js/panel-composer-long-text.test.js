import assert from "node:assert/strict";
import { test } from "node:test";
import { isLong, titleOfText } from "../../extension/sidepanel/composer/long-text.js";

test("a text is long by its characters or its lines", () => {
  assert.equal(isLong("x".repeat(10_000)), false);
  assert.equal(isLong("x".repeat(10_001)), true);
  assert.equal(isLong("a\n".repeat(199)), false);
  assert.equal(isLong("a\n".repeat(200)), true);
  assert.equal(isLong(""), false);
});

test("a text is titled after its first line with any text", () => {
  assert.equal(titleOfText("\n \n  Chapter   one\r\nIt was"), "Chapter one");
  assert.equal(titleOfText(""), "");
  const [title] = [titleOfText("👍".repeat(300))];
  assert.equal([...title].length, 80);
  assert.ok(title.isWellFormed());
  // One line of a megabyte is not looked at as a whole.
  assert.equal(titleOfText("x".repeat(1_400_000)).length, 80);
});
