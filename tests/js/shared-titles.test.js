import assert from "node:assert/strict";
import { test } from "node:test";

const { titleOf, titleOfTurn, cutTo } = await import("../../extension/shared/titles.js");

/** What a message is called. @type {[string, string][]} */
const TITLES = [
  // Marks of Markdown
  ["```python\ndef fetch_pages(urls):\n    pass\n```", "Code: def fetch_pages(urls)"],
  ["Why does this fail?\n\n```js\nx()\n```", "Why does this fail?"],
  ["~~~js\nconst x = 1;\n~~~\nWhy undefined?", "Why undefined?"],
  ["---\n\nWhat is this?", "What is this?"],
  ["---\ntitle: Foo\ntags:\n  - a\n---\n\n# Real heading\ntext", "Real heading"],
  ["***\n===\n| --- |\n- \nText", "Text"],
  ["## A heading ##\nmore", "A heading"],
  ["- [ ] buy milk\n- eggs", "buy milk"],
  ["1. First question\n2. second", "First question"],
  ["> what somebody said\n\nIs that true?", "Is that true?"],
  ["> only a quotation", "only a quotation"],
  ["> [!NOTE]\n> mind the gap", "mind the gap"],
  ["| name | age |\n|---|---|\n| a | 1 |", "name | age"],
  ["$$\nx^2\n$$\nexplain this", "explain this"],
  ["**Bold** question about `code`, *this* and __init__.py", "Bold question about code, this and __init__.py"],
  ["snake_case_name, 2 * 3 * 4, #123 and C++", "snake_case_name, 2 * 3 * 4, #123 and C++"],
  ["See [the docs](https://x.test/a_(b)) please", "See the docs please"],
  ["![](a.png)\n![a chart](b.png)", "a chart"],
  ["<!-- note -->\n<p>Hello <b>world</b></p>", "Hello world"],
  ["<details>\n<summary>The log</summary>\n", "The log"],
  ["How does <div> work?", "How does <div> work?"],
  ["List<String> or Map<K, V>?", "List<String> or Map<K, V>?"],
  ["__init__ vs __new__", "__init__ vs __new__"],
  ["__strong words__ matter", "strong words matter"],
  // What is pasted before a question
  ['[\n  {\n    "id": 1\n  }\n]\nMake a CSV of it', "Make a CSV of it"],
  ['{\n  "id": 1\n}', 'Code: "id": 1'],
  ["<details>\n<summary>Logs</summary>\n\nfoo\n</details>\n\nWhat is wrong?", "What is wrong?"],
  ["| a | b |\n|---|---|\n| 1 | 2 |\n\nSort this", "Sort this"],
  ["Traceback (most recent call last):\n  File \"x.py\", line 3, in <module>\n    f()\nKeyError: 'x'", "KeyError: 'x'"],
  ["Exception in thread main java.lang.Error: x\n\tat a.B.c(B.java:3)", "Exception in thread main java.lang.Error: x"],
  ["#!/bin/bash\n# Back up\nrsync -a a b", "Code: Back up"],
  // Addresses
  ["https://www.example.com/a/b?utm=1#x what is it?", "example.com/a/b what is it?"],
  ["https://例え.jp/%E6%97%A5%E6%9C%AC.", "例え.jp/日本."],
  // Code without a fence
  ["import os\nimport sys\n\ndef main():\n    pass", "Code: def main()"],
  ["#include <stdio.h>\nint main() {\n}", "Code: int main()"],
  ['```json\n{\n  "name": "x"\n}\n```', 'Code: "name": "x"'],
  ["import duties in the EU", "import duties in the EU"],
  // Greetings
  ["Hi! How do I sort a list?", "How do I sort a list?"],
  ["Hello there,\n\nplease translate this", "please translate this"],
  ["Hey 👋 can you help?", "can you help?"],
  ["你好，请帮我写一首诗", "请帮我写一首诗"],
  ["Guten Tag, wie geht das?", "wie geht das?"],
  ["مرحبا! كيف أطبخ الأرز؟", "كيف أطبخ الأرز؟"],
  ["Hello there", "Hello there"],
  ["Dear Mr Smith,\n\nI want to complain.", "I want to complain."],
  ["Hi Anna,\n\nplease write a reply", "please write a reply"],
  ["Sehr geehrte Frau Dr. Weber,\nbitte um Antwort", "bitte um Antwort"],
  ["Dear Mr Smith,", "Dear Mr Smith,"],
  ["Hello world in Python", "Hello world in Python"],
  ["Hi\nHello", "Hi"],
  // Commands and paths are what was asked
  ["/summarise this page", "/summarise this page"],
  ["/etc/hosts is broken", "/etc/hosts is broken"],
  // What nobody sees
  ["\u200b\u202eabc\u202c\u00ad def\u0007", "abc def"],
  ["\ud83d broken \udc00", "broken"],
  ["???", "???"],
  ["```\n```", ""],
  ["---", ""],
  [" \n\t ", ""],
];

for (const [message, title] of TITLES) {
  test(`${JSON.stringify(message)} is called ${JSON.stringify(title)}`, () => assert.equal(titleOf(message), title));
}

test("a long line is cut between words, one without spaces as well, and never through a character", () => {
  const cut = titleOf("many words ".repeat(20));
  assert.match(cut, /^many words .* words…$/);
  assert.ok(cut.length <= 80);
  assert.equal(titleOf("長い文章を書く".repeat(30)).at(-1), "…");
  assert.equal(titleOf("a".repeat(300)), `${"a".repeat(79)}…`);
  const family = "👨‍👩‍👧‍👦";
  assert.equal(titleOf(family.repeat(100)), `${family.repeat(79)}…`);
  assert.ok(titleOf(`e${"\u0301".repeat(100_000)} x`.repeat(3)).length < 1_300);
});

/** CherryHQ/cherry-studio#16404: an emoji across the cut of a title left its half, which is shown as `�`. */
test("characters at the cut are whole", () => {
  for (let length = 70; length < 84; length += 1) {
    for (const character of ["😀", "👍🏽", "🇩🇪", "e\u0301", "한", "क्षि"]) {
      const title = titleOf("a".repeat(length) + character.repeat(20));
      assert.ok(title.isWellFormed());
      assert.ok(/^a+(?:.*[^\p{M}])?.*…$/su.test(title));
      const tail = title.slice(title.lastIndexOf("a") + 1, -1);
      assert.equal(tail, character.repeat(tail.length / character.length));
    }
  }
});

/** epam/ai-dial-chat#8849: a title was three backticks and the name of a language. */
test("no title begins with the marks of a fence, whatever is in it", () => {
  for (const text of [
    "```python",
    "```python\n",
    "```\ncode here",
    "````md\n```python\nprint()\n```\n````",
    "> ```js\n> f()",
  ]) {
    assert.doesNotMatch(titleOf(text), /[`>~]/);
  }
});

test("a message without text is titled by its attachments", () => {
  /** @param {...string} titles */
  const attached = (...titles) =>
    titles.map((title, id) => ({ id: `${id}`, kind: /** @type {const} */ ("image"), title, tokens: 1, size: 1 }));
  assert.equal(titleOfTurn({ user: " ", attachments: attached("cat.png") }), "cat.png");
  assert.equal(
    titleOfTurn({ user: "```\n```", attachments: attached("a_b*c*.png", "b", "c") }),
    "a_b*c*.png and 2 more",
  );
  assert.equal(titleOfTurn({ user: "", attachments: attached("") }), "Image");
  assert.equal(titleOfTurn({ user: "What is it?", attachments: attached("cat.png") }), "What is it?");
  assert.equal(titleOfTurn({ user: "" }), "");
});

test("what is short is not cut", () => {
  assert.equal(cutTo("short", 50), "short");
  assert.equal(cutTo("one two three", 7), "one two");
  assert.equal(cutTo("", 50), "");
});

test("a message of megabytes, or made to take long, takes no time", () => {
  const repeated = [
    "<!--",
    "[",
    "*a",
    "**a ",
    "<a>",
    "[a](",
    "---\na: b\n",
    "hi\n",
    "`",
    "> ",
    "{{:",
    "e\u0301",
    "#include\n",
  ];
  // Where each character looks at all that follow, these would take minutes.
  for (const text of repeated) titleOf(text.repeat(500_000));
});
