import assert from "node:assert/strict";
import { test } from "node:test";
import { newRoot, outline } from "./panel-dom.js";

const { colour, loadLanguage } = await import("../../extension/ui/code-colours.js");
const { paint } = await import("../../extension/ui/highlight.js");

/**
 * @param {string} module
 * @param {string} text
 */
async function coloured(module, text) {
  const ranges = colour(await loadLanguage(module), module, text);
  return ranges.map(([start, end, scope]) => `${scope}:${text.slice(start, end)}`);
}

test("ranges are of the innermost scopes, in order and beside each other", async () => {
  assert.deepEqual(await coloured("python", 'def f(): return "a"'), [
    "keyword:def",
    "title:f",
    "keyword:return",
    'string:"a"',
  ]);
  assert.deepEqual(await coloured("ruby", `"a#{b}c"`), [`string:"a`, "subst:#{b}", `string:c"`]);
});

test("code inside another language is coloured, too", async () => {
  const ranges = await coloured("xml", "<style>a { color: red }</style><script>const a = 1</script>");
  assert.ok(ranges.includes("attribute:color"), String(ranges));
  assert.ok(ranges.includes("keyword:const"), String(ranges));
});

test("nothing is guessed: a request's body is not taken for one of the languages met before", async () => {
  await loadLanguage("ruby");
  const ranges = await coloured("http", "POST / HTTP/1.1\nHost: a\n\ndef x; end");
  assert.ok(!ranges.some((range) => range.includes("def")), String(ranges));
});

test("spans are made in pieces, and the text stays", () => {
  const code = newRoot();
  const text = "let a = 1; // b";
  paint(code, text, 0, [[0, 3, "keyword"]]);
  assert.equal(outline(code), '<div><span class="hl-keyword">let</span> a = 1; // b</div>');
  paint(code, text, 3, [
    [8, 9, "number"],
    [11, 15, "comment"],
  ]);
  assert.equal(
    outline(code),
    '<div><span class="hl-keyword">let</span> a = <span class="hl-number">1</span>; <span class="hl-comment">// b</span></div>',
  );
});
