import assert from "node:assert/strict";
import { test } from "node:test";
import { newRoot, outline, work } from "./panel-dom.js";

const { lex } = await import("../../extension/ui/markdown.js");
const { MarkdownStream } = await import("../../extension/ui/markdown-stream.js");

/**
 * @param {string} source
 * @returns {string}
 */
function atOnce(source) {
  return streamed([source]);
}

/**
 * @param {string[]} pieces
 * @returns {string}
 */
function streamed(pieces) {
  const root = newRoot();
  const stream = new MarkdownStream(root);
  for (const piece of pieces) {
    stream.append(piece);
    stream.draw();
  }
  stream.finish();
  return inner(root);
}

/** @param {any} root */
function inner(root) {
  return outline(root).slice("<div>".length, -"</div>".length);
}

/** A small generator of pseudo-random numbers (mulberry32), so that a failure can be repeated. */
function randomFrom(/** @type {number} */ seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const RENDERED = [
  ["a *b* **c** ~~d~~ `e<`", "<p>a <em>b</em> <strong>c</strong> <del>d</del> <code>e&lt;</code></p>"],
  ["# One\n\nTwo\n---", '<h3 class="md-h1">One</h3><h4 class="md-h2">Two</h4>'],
  ["a<br>b & c &amp; d &#39; &unknown;", "<p>a<br></br>b & c & d ' &unknown;</p>"],
  ["<script>alert(1)</script>", '<p class="md-html">&lt;script>alert(1)&lt;/script></p>'],
  ["hello <img src=x onerror=alert(1)>", "<p>hello &lt;img src=x onerror=alert(1)></p>"],
  [
    "- [x] a\n- [ ] b",
    /<li class="task"><p><input aria-label="Done" checked="" disabled="" type="checkbox"><\/input> a<\/p><\/li>/,
  ],
  ["3. a\n4. b", '<ol start="3"><li><p>a</p></li><li><p>b</p></li></ol>'],
  ["- a\n\n- b", '<ul class="loose"><li><p>a</p></li><li><p>b</p></li></ul>'],
  ["- a\n  - b", "<ul><li><p>a</p><ul><li><p>b</p></li></ul></li></ul>"],
  ["> a\n> b", "<blockquote><p>a\nb</p></blockquote>"],
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
    '<p><a href="https://example.org/" rel="noopener noreferrer" target="_blank" title="t">a</a></p>',
  ],
];

for (const [source, expected] of RENDERED) {
  test(`renders ${JSON.stringify(source)}`, () => {
    const html = atOnce(String(source));
    if (expected instanceof RegExp) assert.match(html, expected);
    else assert.equal(html, expected);
  });
}

const REFUSED_LINKS = [
  "javascript:alert(1)",
  "JaVaScRiPt:alert(1)",
  "&#106;avascript:alert(1)",
  "data:text/html,x",
  "file:///etc",
  "/relative",
  "vbscript:x",
];
for (const href of REFUSED_LINKS) {
  test(`no link to ${href}`, () => {
    assert.doesNotMatch(atOnce(`[text](${href})`), /<a /);
    assert.match(atOnce(`[text](${href})`), /text/);
  });
}

test("links open apart, without opener", () => {
  for (const source of ["<https://example.org/a>", "https://example.org/a", "[t](https://example.org/a)"]) {
    assert.match(atOnce(source), /<a href="https:\/\/example.org\/a" rel="noopener noreferrer" target="_blank"/);
  }
});

test("images wait for a click", () => {
  const html = atOnce("![a cat](https://example.org/cat.png?id=7)");
  assert.doesNotMatch(html, /<img/);
  assert.match(
    html,
    /<button class="md-image" data-action="show-image" data-alt="a cat" data-src="https:\/\/example.org\/cat.png\?id=7"/,
  );
  assert.doesNotMatch(atOnce("![x](javascript:alert(1))"), /<button/);
});

// --- streaming -----------------------------------------------------------------------------------

const FRAGMENTS = [
  "Plain words, a few of them. ",
  "**bold** and *it*",
  "\n",
  "\n",
  "\n\n",
  "\n\n",
  "# Heading\n",
  "Under\n---\n",
  "- item\n",
  "- ",
  "- [x] done\n",
  "* star\n",
  "1. one\n2. two\n",
  "10) ten\n",
  "  - nested\n",
  "    continued\n",
  "   - odd indent\n",
  "```js\nlet a = 1;\n```\n",
  "```\nopen\n\n",
  "  ```\n  in\n  ```\n",
  "~~~\ntilde\n~~~\n",
  "   ```sh\n   ls\n   ```\n",
  "> quote\n",
  "> - quoted item\n",
  "> ",
  "| a | b |\n|---|:-:|\n",
  "| 1 | 2 |\n",
  "| 3 |\n",
  "---\n",
  "***\n",
  "    indented code\n",
  "\tindented by tab\n",
  "<div>\nraw\n</div>\n",
  "<!-- open ",
  "-->\n",
  "<b>x</b>",
  "`code`",
  "[link](https://example.org)",
  "[ref] and [text][ref]",
  "\n\n[ref]: https://example.org/ref\n\n",
  "![i](https://example.org/i.png)",
  "\r\n",
  "Ünïcödé 😀 ",
  "- - -\n",
  "+",
  "=",
  "=\n",
  "```",
  "`",
  "*",
  "_",
  "  \n",
  "   ",
];

/**
 * @param {() => number} random
 * @returns {string}
 */
function anySource(random) {
  const count = 1 + Math.floor(random() * 14);
  return Array.from({ length: count }, () => FRAGMENTS[Math.floor(random() * FRAGMENTS.length)]).join("");
}

/**
 * @param {string} source
 * @param {() => number} random
 * @returns {string[]}
 */
function anySplit(source, random) {
  const pieces = [];
  const longest = 1 + Math.floor(random() * 12);
  for (let at = 0; at < source.length; ) {
    const length = 1 + Math.floor(random() * longest);
    pieces.push(source.slice(at, at + length));
    at += length;
  }
  return pieces;
}

test("any split into deltas draws what the whole text draws", () => {
  for (let seed = 1; seed <= 4000; seed++) {
    const random = randomFrom(seed);
    const source = anySource(random);
    const pieces = anySplit(source, random);
    assert.equal(streamed(pieces), atOnce(source), `seed ${seed}: ${JSON.stringify(pieces)}`);
  }
});

test("finished blocks are right without the last repair", () => {
  // Everything but late definitions: what stands on the screen after a closing line is what the whole text gives.
  let wrong = 0;
  for (let seed = 1; seed <= 3000; seed++) {
    const random = randomFrom(seed);
    const source = `${anySource(random).replaceAll("[ref]", "ref")}\n\n\\end\n`.replaceAll("\r\n", "\n");
    const root = newRoot();
    const stream = new MarkdownStream(root);
    for (const piece of anySplit(source, random)) {
      stream.append(piece);
      stream.draw();
    }
    if (inner(root) !== atOnce(source)) {
      wrong += 1;
      if (process.env.SHOW) console.log(seed, JSON.stringify(source), "\n ", inner(root), "\n ", atOnce(source));
    }
  }
  assert.equal(wrong, 0);
});

test("an unfinished line of markup is not drawn as something else", () => {
  const root = newRoot();
  const stream = new MarkdownStream(root);
  stream.append("Here it is:\n-");
  stream.draw();
  assert.equal(inner(root), "<p>Here it is:</p>");
  stream.append(" item");
  stream.draw();
  assert.equal(inner(root), "<p>Here it is:</p><ul><li><p>item</p></li></ul>");
});

const UNFINISHED = [
  ["Some **bo", "<p>Some <strong>bo</strong></p>"],
  ["Some **", "<p>Some </p>"],
  ["Some **bold*", "<p>Some <strong>bold</strong></p>"],
  ["Some **bold** and", "<p>Some <strong>bold</strong> and</p>"],
  ["Call `get(**k", "<p>Call <code>get(**k</code></p>"],
  ["Call `", "<p>Call </p>"],
  ["See [here](https://exa", "<p>See here</p>"],
  ["See ![cat](https://exa", "<p>See </p>"],
  ["a [b", "<p>a [b</p>"],
  ["- x\n\n  ```py\n  f(**k", /<code data-language="py">f\(\*\*k<\/code>/],
  ["Text\n\n```pyth", "<p>Text</p>"],
  ["    f(**k", /<code>f\(\*\*k<\/code>/],
  ["2 * 3 = 6", "<p>2 * 3 = 6</p>"],
];

for (const [source, expected] of UNFINISHED) {
  test(`the unfinished ${JSON.stringify(source)} is shown without loose marks`, () => {
    const root = newRoot();
    const stream = new MarkdownStream(root);
    stream.append(String(source));
    stream.draw();
    if (expected instanceof RegExp) assert.match(inner(root), expected);
    else assert.equal(inner(root).replace(" </p>", "</p>"), expected.replace(" </p>", "</p>"));
  });
}

test("finished nodes are never made again", () => {
  const root = newRoot();
  const stream = new MarkdownStream(root);
  stream.append("One\n\n- a\n- b\n- c\n\n| h |\n|---|\n| 1 |\n| 2 |\n\nlast\n\n");
  stream.draw();
  const [paragraph, list, table] = root.childNodes;
  const items = [...list.childNodes];
  stream.append("more\n\nand more");
  stream.draw();
  stream.finish();
  assert.deepEqual(root.childNodes.slice(0, 3), [paragraph, list, table]);
  assert.deepEqual(list.childNodes, items);
});

test("code is reported once, when its fence closes", () => {
  const root = newRoot();
  /** @type {any[]} */
  const reported = [];
  const stream = new MarkdownStream(root, { onCode: (code) => reported.push(code) });
  for (const piece of ["```py\n", "a = 1\n", "b = 2\n``"]) {
    stream.append(piece);
    stream.draw();
  }
  assert.equal(reported.length, 0);
  assert.match(inner(root), /a = 1\nb = 2<\/code>/);
  stream.append("`\nafter\n\n");
  stream.draw();
  stream.finish();
  assert.deepEqual(
    reported.map((code) => outline(code)),
    ['<code data-language="py">a = 1\nb = 2</code>'],
  );
});

// --- cost ----------------------------------------------------------------------------------------

const words = "The quick brown fox jumps over the lazy dog and goes on. ";
/** @type {Record<string, (i: number) => string>} */
const SHAPES = {
  paragraphs: (i) => (i % 12 === 11 ? "\n\n" : words),
  "one list": () => `- ${words}\n`,
  "one numbered list": (i) => `${i + 1}. ${words}\n`,
  "one table": (i) => (i === 0 ? "| a | b |\n|---|---|\n" : `| ${words} | ${i} |\n`),
  "one code block": (i) => (i === 0 ? "```js\n" : `const x${i} = "${words}";\n`),
  "headings, lists and code": (i) => ["## Part\n\n", "- a\n- b\n\n", "```py\nx = 1\n", "```\n\n", words, "\n\n"][i % 6],
};
/** @type {Record<string, (i: number) => string>} */
const ENDLESS = {
  "one paragraph": () => words,
  "one quotation": () => `> ${words}\n`,
  "one item": (i) => (i === 0 ? "- start\n" : `  ${words}\n`),
  "one HTML block": (i) => (i === 0 ? "<div>\n" : `${words}\n`),
  "one nested list": (i) => (i === 0 ? "- start\n" : `  - ${words}\n`),
};

/**
 * Streams `length` characters in pieces of four, about a token each, and gives the characters lexed and nodes made by
 * each quarter.
 * @param {(i: number) => string} shape
 * @param {number} length
 */
function measure(shape, length) {
  let source = "";
  for (let i = 0; source.length < length; i++) source += shape(i);
  let lexed = 0;
  let most = 0;
  const stream = new MarkdownStream(newRoot(), {
    lexer: (text, links) => {
      lexed += text.length;
      most = Math.max(most, text.length);
      return lex(text, links);
    },
  });
  const quarters = [];
  let before = { lexed: 0, nodes: work.nodes };
  for (let at = 0; at < length; at += 4) {
    stream.append(source.slice(at, at + 4));
    stream.draw();
    if ((at + 4) % (length / 4) === 0) {
      quarters.push({ lexed: lexed - before.lexed, nodes: work.nodes - before.nodes });
      before = { lexed, nodes: work.nodes };
    }
  }
  return { quarters, lexed, most };
}

for (const [name, shape] of Object.entries(SHAPES)) {
  test(`50,000 tokens of ${name}: the last ones cost no more than the first`, () => {
    const { quarters, most } = measure(shape, 200_000);
    assert.ok(most < 2_000, `lexed ${most} characters at once`);
    assert.ok(quarters[3].lexed <= quarters[0].lexed * 1.2 + 2_000, JSON.stringify(quarters));
    assert.ok(quarters[3].nodes <= quarters[0].nodes * 1.2 + 200, JSON.stringify(quarters));
  });
}

for (const [name, shape] of Object.entries(ENDLESS)) {
  test(`20,000 tokens of ${name}: the cost per token has a bound`, () => {
    const { quarters } = measure(shape, 80_000);
    const first = measure(shape, 16_000);
    const perToken = quarters[3].lexed / 5_000;
    assert.ok(perToken <= first.lexed / 4_000 + 100, `${perToken} characters per token`);
  });
}
