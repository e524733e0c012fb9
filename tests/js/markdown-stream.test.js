import assert from "node:assert/strict";
import { test } from "node:test";
import { newRoot, outline, work } from "./panel-dom.js";
import { SEED } from "./seed.js";

const { parse } = await import("../../extension/shared/markdown/parse.js");
const { view } = await import("../../extension/ui/markdown/view.js");
const { mount } = await import("../../extension/ui/markdown/patch.js");
const { MarkdownStream } = await import("../../extension/ui/markdown/stream.js");
const { loadMath } = await import("../../extension/ui/markdown/math-view.js");
// Or formulas would be drawn in another way from the moment on, in whichever test, when it is there.
await loadMath();

/** @param {any} root */
function inner(root) {
  return outline(root).slice("<div>".length, -"</div>".length);
}

/**
 * What the parser and the view make of a whole text, without any streaming.
 * @param {string} source
 */
function wholly(source) {
  const root = newRoot();
  for (const node of parse(source.replace(/\r\n?/g, "\n"))) {
    const one = view(node);
    if (one) root.append(mount(one).node);
  }
  return inner(root);
}

/**
 * @param {any} [options]
 */
function begin(options = {}) {
  const root = newRoot();
  const stream = new MarkdownStream(root, { time: () => true, ...options });
  /** @param {string[]} pieces */
  const add = (...pieces) => {
    for (const piece of pieces) {
      stream.append(piece);
      stream.draw();
    }
  };
  return { root, stream, add };
}

/**
 * @param {string[]} pieces
 * @param {any} [options]
 */
function streamed(pieces, options) {
  const { root, stream, add } = begin(options);
  add(...pieces);
  stream.finish();
  return inner(root);
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
  "    - deeper\n",
  "    continued\n",
  "  more of it\n",
  "   - odd indent\n",
  "```js\nlet a = 1;\n```\n",
  "```\nopen\n\n",
  "  ```\n  in\n  ```\n",
  "~~~\ntilde\n~~~\n",
  "   ```sh\n   ls\n   ```\n",
  "> quote\n",
  "> - quoted item\n",
  ">   of two lines\n",
  "> > twice\n",
  "> ",
  "> [!NOTE]\n> Mind this\n",
  "| a | b |\n|---|:-:|\n",
  "| 1 | 2 |\n",
  "| 3 |\n",
  "  | c | d |\n  |---|---|\n  | 1 | 2 |\n",
  "---\n",
  "***\n",
  "    indented code\n",
  "\tindented by tab\n",
  "<div>\nraw\n</div>\n",
  "<details><summary>More</summary>\n\n",
  "</details>\n",
  "<!-- open ",
  "-->\n",
  "<b>x</b>",
  "`code`",
  "[link](https://example.org)",
  "[ref] and [text][ref]",
  "\n\n[ref]: https://example.org/ref\n\n",
  "[^1]",
  "\n\n[^1]: A note\n\n",
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
  "$x$",
  "$$\nx^2\n$$\n",
  "\\[ y \\]\n",
  "  \n",
  "   ",
];

/**
 * @param {() => number} random
 * @param {number} most
 * @returns {string}
 */
function anySource(random, most = 14) {
  const count = 1 + Math.floor(random() * most);
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

for (const longBlock of [0, 2000]) {
  test(`any text in any pieces gives what the whole text gives (parts from ${longBlock} characters)`, () => {
    for (let seed = 1; seed <= 1000; seed++) {
      const random = randomFrom(seed + SEED);
      const source = anySource(random);
      const pieces = anySplit(source, random);
      assert.equal(streamed(pieces, { longBlock }), wholly(source), `seed ${seed}: ${JSON.stringify(source)}`);
    }
  });
}

test("a text with a line after it is right before the end is known", () => {
  for (let seed = 1; seed <= 500; seed++) {
    const random = randomFrom(seed + SEED);
    const source = `${anySource(random)}\n\n\\end\n`.replaceAll("\r\n", "\n");
    // What only the end of the text decides: a definition, and what has no end of its own.
    if (/ref|\^1|details|<!--|<div|\$\$|\\\[|```|~~~/.test(source)) continue;
    const { root, add } = begin();
    add(...anySplit(source, random));
    assert.equal(inner(root), wholly(source), `seed ${seed}: ${JSON.stringify(source)}`);
  }
});

/** All nodes below an element, with what each says. @param {any} element @returns {Map<any, string>} */
function nodesOf(element) {
  const found = new Map();
  for (const node of element.childNodes) {
    found.set(node, outline(node));
    if (node.childNodes) for (const [inside, text] of nodesOf(node)) found.set(inside, text);
  }
  return found;
}

const DOCUMENT = [
  "# A [title](https://example.org/1)\n\n",
  "A paragraph with a [link](https://example.org/2), **bold** and `code`.\n\n",
  "- one [link](https://example.org/3)\n- two\n  - inside [link](https://example.org/4)\n- three\n\n",
  "| a | b |\n|---|---|\n| [link](https://example.org/5) | 2 |\n| 3 | 4 |\n\n",
  "```js\nconst a = 1;\n\nconst b = 2;\n```\n\n",
  "> quoted [link](https://example.org/6)\n> and more\n\n",
  "![image](https://example.org/7.png) and [last](https://example.org/8) words\n",
].join("");

// sourcegraph/cody#4268, ggml-org/llama.cpp#18091: what is selected in a growing answer is lost with its nodes.
// paradigmxyz/flux#70: a copy button that is made anew for each token takes many clicks.
test("links, buttons and elements that are whole stay the same nodes to the end", () => {
  for (const size of [1, 3, 7, 20]) {
    const { root, stream, add } = begin();
    /** @type {Map<any, string>} */
    let last = new Map();
    const check = () => {
      const now = nodesOf(root);
      for (const [node] of last) {
        if (node.nodeType === 3 || now.has(node)) continue;
        // An unfinished word may be drawn as text before it is known what it is.
        assert.ok(
          !["A", "BUTTON", "LI", "TR", "PRE", "CODE", "P"].includes(node.tagName) || !outline(node).includes("example"),
          outline(node),
        );
      }
      last = now;
    };
    for (let at = 0; at < DOCUMENT.length; at += size) {
      add(DOCUMENT.slice(at, at + size));
      check();
    }
    const links = [...last.keys()].filter(
      (node) => /^(?:A|BUTTON)$/.test(node.tagName) && outline(node).includes("example"),
    );
    assert.equal(links.length, 8);
    stream.finish();
    const end = nodesOf(root);
    for (const link of links) assert.ok(end.has(link), "the end of the answer keeps every node");
  }
});

// mastra-ai/mastra#21473: two trees, one while it streams and one after, made the whole message anew at its end.
test("the end of the text changes no node", () => {
  const { root, stream, add } = begin();
  add(...(DOCUMENT.match(/[\s\S]{1,5}/g) ?? []));
  const before = nodesOf(root);
  const made = work.nodes;
  stream.finish();
  assert.deepEqual(nodesOf(root), before);
  assert.equal(work.nodes, made);
});

test("a text grows in the node that it has", () => {
  const { root, add } = begin();
  add("Some words");
  const text = root.childNodes[0].childNodes[0];
  add(" and **bold", "** ones", " [and](https://example.org/) more");
  assert.equal(root.childNodes[0].childNodes[0], text);
  assert.equal(text.data, "Some words and ");
});

test("a late definition makes links of the text that was there, in its place", () => {
  const { root, stream, add } = begin();
  add("Say [this] and **that**.\n\n", "- an item with [this][THIS]\n- other\n\n", "Between.\n\n");
  const [paragraph, list] = root.childNodes;
  const bold = paragraph.childNodes[1];
  add("[this]: https://example.org/\n\n", "After.\n\n", "End");
  stream.finish();
  assert.equal(root.childNodes[0], paragraph);
  assert.equal(root.childNodes[1], list);
  assert.match(outline(paragraph), /Say <a href="https:\/\/example.org\/"/);
  assert.match(outline(list), /an item with <a href="https:\/\/example.org\/"/);
  assert.ok(paragraph.childNodes.includes(bold));
});

for (const failing of ["parser", "viewer"]) {
  test(`a part that cannot be drawn again stays as it is when its definition comes late (${failing})`, () => {
    let isFailing = false;
    const fails = (/** @type {string} */ text) => isFailing && text.includes("<b>[this]");
    const parser = (/** @type {string} */ text, /** @type {any} */ env) => {
      if (failing === "parser" && fails(text)) throw new Error("cannot be parsed");
      return parse(text, env);
    };
    const viewer = (/** @type {any} */ node) => {
      if (failing === "viewer" && isFailing && node.start === 0) throw new Error("cannot be drawn");
      return view(node);
    };
    const { root, stream, add } = begin({ parser, viewer });
    add("<b>[this]</b> and that.\n\n", "Between, so that the first is finished.\n\n");
    const [first] = root.childNodes;
    const before = outline(first);
    const error = console.error;
    console.error = () => {};
    try {
      add("[this]: https://example.org/\n\n");
      isFailing = true;
      add("Last words, which are the tail.\n\n");
      stream.draw();
    } finally {
      console.error = error;
    }
    assert.equal(outline(first), before);
  });
}

test("a list that becomes loose keeps its items", () => {
  const { root, add } = begin();
  add("- a\n- b\n- c\n");
  const [list] = root.childNodes;
  const items = [...list.childNodes];
  add("\n- d\n", "- e");
  assert.equal(list.getAttribute("class"), "loose");
  assert.deepEqual(list.childNodes.slice(0, 3), items);
});

test("what becomes a heading keeps its links", () => {
  const { root, add } = begin();
  add("To [here](https://example.org/)\n");
  const link = root.childNodes[0].childNodes[1];
  add("---\n", "more");
  assert.equal(root.childNodes[0].tagName, "H4");
  assert.equal(root.childNodes[0].childNodes[1], link);
});

test("another text is patched from the first difference", () => {
  for (let seed = 1; seed <= 500; seed++) {
    const random = randomFrom(seed + SEED);
    const [one, other, end] = [anySource(random, 8), anySource(random, 6), anySource(random, 6)];
    const { root, stream, add } = begin({ longBlock: 0 });
    add(...anySplit(one + other, random));
    if (random() < 0.5) stream.finish();
    stream.replace(one + end);
    if (random() < 0.5) add("and more");
    else stream.append("and more");
    stream.finish();
    assert.equal(inner(root), wholly(`${one + end}and more`), `seed ${seed}`);
  }
});

test("what is the same in another text keeps its nodes, before and after the difference", () => {
  const { root, stream, add } = begin();
  const text = (/** @type {string} */ word) =>
    `First [one](https://example.org/1)\n\nThen ${word} [two](https://example.org/2)\n\n- three\n- [four](https://example.org/4)\n\nfive`;
  add(text("this"));
  const before = [...root.childNodes];
  const links = [...nodesOf(root).keys()].filter((node) => node.tagName === "A");
  stream.replace(text("something else"));
  stream.draw();
  assert.deepEqual(root.childNodes, before);
  assert.ok(links.every((link) => nodesOf(root).has(link)));
  stream.finish();
  assert.equal(inner(root), wholly(text("something else")));
});

test("a finished text may continue", () => {
  const { root, stream, add } = begin();
  add("One\n\ntwo *th");
  stream.finish();
  const [first, second] = root.childNodes;
  add("ree* four\n\nfive");
  stream.finish();
  assert.equal(inner(root), wholly("One\n\ntwo *three* four\n\nfive"));
  assert.deepEqual(root.childNodes.slice(0, 2), [first, second]);
});

test("code is reported once, when its fence closes", () => {
  /** @type {any[]} */
  const reported = [];
  const { root, stream, add } = begin({ onCode: (/** @type {any} */ code) => reported.push(code) });
  add("```py\n", "a = 1\n", "b = 2\n``");
  assert.equal(reported.length, 0);
  assert.match(inner(root), /a = 1\nb = 2<\/code>/);
  add("`\nafter\n\n", "- item\n  ```js\n  c\n  ```\n", "  more\n");
  stream.finish();
  assert.deepEqual(
    reported.map((code) => outline(code)),
    ['<code data-language="py">a = 1\nb = 2</code>', '<code data-language="js">c</code>'],
  );
});

// different-ai/openwork#3694: late highlighting replaced the nodes that were selected.
test("what was coloured, labelled, unfolded or put in by others stays", () => {
  const { root, stream, add } = begin();
  add("```py\na = 1\n```\n\n![cat](https://example.org/cat.png) and\n");
  const [block, paragraph] = root.childNodes;
  const code = block.childNodes[1].childNodes[0];
  const span = document.createElement("span");
  span.append("a");
  code.replaceChildren(span, " = 1");
  const copied = block.childNodes[0].childNodes[1];
  copied.textContent = "Copied";
  const image = /** @type {any} */ (document.createElement("img"));
  paragraph.insertBefore(image, paragraph.childNodes[0]);
  paragraph.childNodes[1].remove();
  add("more **words**\n", "\n> and so on");
  stream.finish();
  assert.equal(code.childNodes[0], span);
  assert.equal(copied.textContent, "Copied");
  assert.equal(paragraph.childNodes[0], image);
  assert.match(outline(paragraph), /^<p dir="ltr"><img><\/img> and<br><\/br>more <strong>words<\/strong><\/p>$/);
});

test("what cannot be drawn is shown as it is written, and the rest as ever", () => {
  const viewer = (/** @type {any} */ node) => {
    if (node.type === "heading") throw new Error("no headings today");
    return view(node);
  };
  const source = "# One <b>\n\nTwo *three*\n\n# Four";
  const error = console.error;
  console.error = () => {};
  try {
    const shown = '<p class="md-html"># One &lt;b></p><p dir="ltr">Two <em>three</em></p><p class="md-html"># Four</p>';
    assert.equal(streamed([source], { viewer }), shown);
    const parser = (/** @type {string} */ text, /** @type {any} */ env) => {
      if (text.startsWith("# One")) throw new Error("no such word");
      return parse(text, env);
    };
    assert.match(
      streamed([source], { parser }),
      /^<p class="md-html"># One &lt;b><\/p><p dir="ltr">Two <em>three<\/em><\/p><h3/,
    );
  } finally {
    console.error = error;
  }
});

test("without time nothing is drawn, and nothing is lost", () => {
  let isTime = false;
  let isDone = 0;
  const { root, stream } = begin({ time: () => isTime, onDone: () => (isDone += 1) });
  stream.append("One\n\n");
  stream.finish();
  assert.equal(inner(root), "");
  assert.ok(!stream.isDrawn);
  isTime = true;
  stream.draw();
  assert.equal(inner(root), '<p dir="ltr">One</p>');
  assert.ok(stream.isDrawn);
  assert.equal(isDone, 1);
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
  "one paragraph": () => words,
  "one paragraph of lines": () => `${words}\n`,
  "one quotation": () => `> ${words}\n>\n`,
  "one item": (i) => (i === 0 ? "- start\n\n" : `  ${words}\n\n`),
  "one nested list": (i) => (i === 0 ? "- start\n" : `  - ${words}\n`),
  "a list in a list in a list": (i) => (i === 0 ? "- start\n  1. inner\n" : `     - ${words}\n`),
  "code in an item": (i) => (i === 0 ? "- start\n\n  ```js\n" : `  ${words}\n`),
  "a table in an item": (i) => (i === 0 ? "- start\n\n  | a | b |\n  |---|---|\n" : `  | ${words} | b |\n`),
};

/**
 * Streams `length` characters in pieces of four, about a token each, and gives the characters parsed and nodes made by
 * each quarter.
 * @param {(i: number) => string} shape
 * @param {number} length
 */
function measure(shape, length) {
  let source = "";
  for (let i = 0; source.length < length; i++) source += shape(i);
  let parsed = 0;
  let most = 0;
  const { stream } = begin({
    parser: (/** @type {string} */ text, /** @type {any} */ env) => {
      parsed += text.length;
      most = Math.max(most, text.length);
      return parse(text, env);
    },
  });
  const quarters = [];
  let before = { parsed: 0, nodes: work.nodes };
  for (let at = 0; at < length; at += 40) {
    stream.append(source.slice(at, at + 40));
    stream.draw();
    if ((at + 40) % (length / 4) !== 0) continue;
    quarters.push({ parsed: parsed - before.parsed, nodes: work.nodes - before.nodes });
    before = { parsed, nodes: work.nodes };
  }
  return { quarters, most };
}

// posit-dev/shinychat#166, Pasta-Devs/Marinara-Engine#2878: the longer an answer, the slower each of its tokens.
for (const [name, shape] of Object.entries(SHAPES)) {
  test(`50,000 tokens of ${name}: the last ones cost no more than the first`, () => {
    const { quarters, most } = measure(shape, 200_000);
    assert.ok(most < 22_000, `parsed ${most} characters at once`);
    assert.ok(quarters[3].parsed <= quarters[0].parsed * 1.2 + 2_000, JSON.stringify(quarters));
    assert.ok(quarters[3].nodes <= quarters[0].nodes * 1.2 + 200, JSON.stringify(quarters));
  });
}

test("a text without letters has no direction, so that the browser does not look for one with each node", () => {
  assert.equal(streamed(["[^1] 12"]), '<p><sup class="md-footnote-mark">[1]</sup> 12</p>');
  assert.match(streamed(["[^1] 12 שלום"]), /^<p dir="rtl">/);
});
