import assert from "node:assert/strict";
import { test } from "node:test";
import { closeOpen } from "../../extension/shared/markdown/close.js";

const CLOSED = [
  "Plain *text* with `code` and <b>tags</b>.",
  "```js\nlet a;\n```\n\nAfter.\n",
  "~~~\n```\n~~~",
  "$$\nx\n$$",
  "$$x$$ and \\[ y \\]",
  "<details>\n<summary>More</summary>\n\nText\n\n</details>",
  "Use the `<details>` tag and `<!--`.",
  "> ```\n> code in a quotation ends with it\n\nAfter.",
  "1. Step\n   ```\n   ls\n\nAfter the list.",
  "a <!-- hidden --> b",
];
for (const source of CLOSED) {
  test(`nothing is added to ${JSON.stringify(source)}`, () => assert.equal(closeOpen(source), source));
}

const OPEN = [
  ["```js\nlet a;", "```js\nlet a;\n```"],
  ["```js\nlet a;\n", "```js\nlet a;\n```"],
  ["````md\n```\nx\n```", "````md\n```\nx\n```\n````"],
  ["~~~\nx", "~~~\nx\n~~~"],
  ["- item\n\n  ```py\n  x = 1", "- item\n\n  ```py\n  x = 1\n  ```"],
  ["- ```py\n  x = 1", "- ```py\n  x = 1\n  ```"],
  ["> ```\n> x", "> ```\n> x\n> ```"],
  ["Then\n\n$$\nx_i^{*}", "Then\n\n$$\nx_i^{*}\n$$"],
  ["\\[\nx", "\\[\nx\n\\]"],
  ["<!-- a note", "<!-- a note\n-->"],
  ["<details open>\n<summary>A</summary>\n\ntext", "<details open>\n<summary>A</summary>\n\ntext\n\n</details>"],
  ["<details>\n<summary>A</summary>\n\n```sh\nls", "<details>\n<summary>A</summary>\n\n```sh\nls\n```\n\n</details>"],
  // Another reader ends the outer block at the first bare fence, and the last fence would swallow what follows.
  ["```markdown\n# T\n```js\nx\n```\n```", "````markdown\n# T\n```js\nx\n```\n````"],
  ["```markdown\n# T\n```js\nx\n```\n", "````markdown\n# T\n```js\nx\n```\n````"],
];
for (const [source, closed] of OPEN) {
  test(`what ${JSON.stringify(source)} leaves open is closed`, () => {
    assert.equal(closeOpen(source), closed);
    assert.equal(closeOpen(closed), closed);
  });
}

test("every prefix of a document is closed for good", () => {
  const document = [
    "# T",
    "> ```",
    "> x",
    "",
    "1. a",
    "   ```sh",
    "   ls",
    "   ```",
    "2. b",
    "```markdown",
    "```js",
    "x",
    "```",
    "```",
    "$$",
    "y",
    "$$",
    "<details>",
    "<summary>s</summary>",
    "",
    "z",
    "</details>",
    "",
  ].join("\n");
  for (let length = 0; length <= document.length; length++) {
    const once = closeOpen(document.slice(0, length));
    assert.equal(closeOpen(once), once, JSON.stringify(once));
  }
});
