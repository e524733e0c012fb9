import assert from "node:assert/strict";
import { test } from "node:test";
import "./panel-dom.js";
import { outline } from "./markdown-view.js";

const { parse } = await import("../../extension/shared/markdown/parse.js");
const { view } = await import("../../extension/ui/markdown/view.js");

/**
 * @param {string} source
 * @param {object} [env]
 */
function drawn(source, env) {
  const views = parse(source, env)
    .map(view)
    .filter((one) => one !== null);
  return outline(views).replaceAll(/ dir="(?:auto|ltr)"/g, "");
}

const RENDERED = [
  ["a *b* **c** ~~d~~ `e<`", "<p>a <em>b</em> <strong>c</strong> <del>d</del> <code>e&lt;</code></p>"],
  ["# One\n\nTwo\n---", '<h3 class="md-h1">One</h3><h4 class="md-h2">Two</h4>'],
  ["a<br>b & c &amp; d &#39; &unknown;", "<p>a<br>b & c & d ' &unknown;</p>"],
  ["hello <img src=x onerror=alert(1)>", "<p>hello &lt;img src=x onerror=alert(1)></p>"],
  ["- [x] a\n- [ ] b", /<li class="task"><p><input aria-label="Done" checked disabled type="checkbox"> a<\/p><\/li>/],
  ["3. a\n4. b", '<ol start="3"><li><p>a</p></li><li><p>b</p></li></ol>'],
  ["- a\n\n- b", '<ul class="loose"><li><p>a</p></li><li><p>b</p></li></ul>'],
  ["- a\n  - b", "<ul><li><p>a</p><ul><li><p>b</p></li></ul></li></ul>"],
  [
    "|a|b|\n|-:|---|\n|1|2|",
    /<th class="align-right">a<\/th>.*<tbody><tr><td class="align-right">1<\/td><td>2<\/td><\/tr><\/tbody>/,
  ],
  [
    "```py\nx = 1\n```",
    /<span class="code-language">py<\/span>.*<pre tabindex="0"><code data-language="py">x = 1<\/code><\/pre>/,
  ],
  ["```\nopen", /<code>open<\/code>/],
  [
    "[a][x]\n\n[x]: https://example.org/ 't'",
    '<p><a href="https://example.org/" rel="noopener noreferrer" target="_blank" title="https://example.org/\n“t”">a</a></p>',
  ],
];

for (const [source, expected] of RENDERED) {
  test(`renders ${JSON.stringify(source)}`, () => {
    const html = drawn(String(source));
    if (expected instanceof RegExp) assert.match(html, expected);
    else assert.equal(html, expected);
  });
}

/** [input, what is drawn; formulas by their source]. Sources of reports stand where they apply. */
const WRITTEN = [
  // commonmark/commonmark-spec#650
  ["**真，**她 **真“**她 **真（**她 **真—**她", "<p><b>真，</b>她 <b>真“</b>她 <b>真（</b>她 <b>真—</b>她</p>"],
  // futuregene/future-os#744
  ["**复现：**10 轮", "<p><b>复现：</b>10 轮</p>"],
  ["**Note:**text", "<p><b>Note:</b>text</p>"],
  ['คำ**"ข้อความ"**ต่อ', '<p>คำ<b>"ข้อความ"</b>ต่อ</p>'],
  ["2*3*4 and 5**2", "<p>2*3*4 and 5**2</p>"],
  // jackyzha0/quartz#2208
  ["$3,500 in 2022. A year later, $5,000", "<p>$3,500 in 2022. A year later, $5,000</p>"],
  // omnigent-ai/omnigent#5013
  ["$/PR is down but $/session is up", "<p>$/PR is down but $/session is up</p>"],
  // FerroxLabs/wayland#704
  ["the $2k cohort and the $25-50k tier", "<p>the $2k cohort and the $25-50k tier</p>"],
  ["$HOME/$USER and $A=$B", "<p>$HOME/$USER and $A=$B</p>"],
  ["the $n$th and $O(n \\log n)$", "<p>the {$n$}th and {$O(n \\log n)$}</p>"],
  ["where: \\[\nx\n- z\n\\]", "<p>where: {\\[\nx\n- z\n\\]}</p>"],
  ["`$x$` and `\\(x\\)`", "<p><code>$x$</code> and <code>\\(x\\)</code></p>"],
  // huggingface/chat-ui#2311
  ["- > 25: dear", "<ul><li><p>> 25: dear</p></li></ul>"],
  ["<details> is an element, and <b> too", "<p>&lt;details> is an element, and &lt;b> too</p>"],
  ["<b>a <i>x</b> y</i>", "<p><b>a &lt;i>x</b> y&lt;/i></p>"],
  ["<!-- a **b** -->", "<p>&lt;!-- a **b** --></p>"],
];

for (const [source, expected] of WRITTEN) {
  test(`draws ${JSON.stringify(source)} as it is meant`, () => {
    const html = drawn(source)
      .replaceAll(/<(\/?)strong>/g, "<$1b>")
      .replaceAll(/<span [^>]*data-tex="([^"]*)"[^>]*>[\s\S]*?<\/span>/g, "{$1}");
    assert.equal(html, expected);
  });
}

test("nothing is lost below the deepest level, and nothing in cells that a table has no column for", () => {
  assert.match(drawn(`${"> ".repeat(200)}deep`), /deep/);
  assert.match(drawn(`${"- ".repeat(200)}deep`), /deep/);
  assert.match(drawn("a | b\n-|-\n1 | 2 | 3"), /<td>2 \| 3<\/td>/);
});

test("more marks than a paragraph can mean are shown as they are", () => {
  const source = "a_b*c ".repeat(3_000).trim();
  assert.equal(drawn(source), `<p>${source}</p>`);
});

// The drawing of a growing text freezes blocks line by line.
test("blocks take whole lines, one after the other", () => {
  const source =
    "<details><summary>S</summary>in</details> tail\n\nwhere: \\[\nx\n\\] so\n> $$x$$ y\n\n[^1]: note\n[a]: https://e.org\n";
  const nodes = parse(source);
  for (const [index, { start, end }] of nodes.entries()) {
    assert.ok(start >= (nodes[index - 1]?.end ?? 0) && end > start);
    assert.ok(start === 0 || source[start - 1] === "\n");
    assert.equal(source[end - 1], "\n");
  }
});
