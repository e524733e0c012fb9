import assert from "node:assert/strict";
import { test } from "node:test";
import "./panel-dom.js";

const { parse } = await import("../../extension/shared/markdown/parse.js");
const { view } = await import("../../extension/ui/markdown/view.js");
const { loadMath } = await import("../../extension/ui/markdown/math-view.js");
await loadMath();

/** @import {View} from "../../extension/ui/markdown/patch.js" */

/**
 * @param {string} source
 * @param {boolean} growing
 */
function views(source, growing) {
  return parse(source, { growing })
    .map(view)
    .filter((one) => one !== null);
}

/**
 * What a reader sees, without white space; a formula counts as its source.
 * @param {readonly View[]} all
 * @returns {string}
 */
function visible(all) {
  return all
    .map((one) => {
      if (typeof one === "string") return one;
      if (one.attributes?.class === "code-head") return "";
      return one.attributes?.["data-tex"] ?? visible(one.children ?? []);
    })
    .join("")
    .replace(/\s/g, "");
}

const DOCUMENTS = [
  "Some **bold text**, *emphasis*, ***both*** and `code` and ~~gone~~ words.",
  "**Bold over\ntwo lines** and *a poem\nof lines*",
  "A [link](https://example.com/a_(b)) and a [titled one](https://example.com 'Title'), [**bold** link](https://e.org).",
  "- **[start.sh](https://example.com/debug/start)** runs\n- second *item*\n  - nested `code`\n  - more\n- [ ] open\n- [x] done\n",
  "1. One\n2. Two\n\n   ```py\n   f(**k)\n   ```\n3. Three\n",
  "# Title\n\nText\n\n## Next *one*\n\n> A quote\n> with **bold**\n\n---\n\nEnd",
  "Setext\n======\n\nOther\n---\n\ntext",
  "| a | b |\n|---|:-:|\n| 1 | **2** |\n| `x` | [l](https://e.org) |\n\nafter",
  "Name | Age\n--- | ---\nA | 1\n",
  "> [!NOTE]\n> An alert with *words*.\n\n> [!warning] Own title\n> More.\n",
  "H<sub>2</sub>O, x<sup>2</sup>, <kbd>Ctrl</kbd>+<kbd>C</kbd>, a<br>b, <b>bold</b>",
  "<details>\n<summary>More **here**</summary>\n\nInside *it*\n\n```js\nlet a;\n```\n\n</details>\n\nAfter.",
  "```js\nlet a = `x`;\n```\n\n~~~\ntilde\n~~~\n\n````md\n```\nx\n```\n````\ndone",
  "```markdown\n# T\n```js\nx\n```\nmore\n```\nafter **all**",
  "含**「重点」**内容，**真。**她 *强调*。见 https://example.com/a，谢谢",
  "مرحبا **بالعالم** و `code`.\n\n- نص *مهم*\n- hello\n",
  "List<String> is whole, and so is <T extends U>. 2 * 3 = 6, 20~30, a_b_c, snake_case_name.",
  "AT&amp;T &copy; & more; \\*not em\\*",
  "Euler: \\(e^{i\\pi}\\) and \\[ \\int_0^1 x_i^{*}\\,dx \\] end",
  "Then\n\n$$\nx_i^{*} y_i^{*}\n$$\n\nand $x_i^2$ or $y$.",
  "- item\n  \\[\n  a_1 = b_*\n  \\]\n- next\n",
  "It costs $5 and $10, or $3,500 in all. Use `$HOME`.",
  'See [the source][s] and [1].\n\n[s]: https://example.com/s\n[1]: https://example.com/1 "One"\n',
  "Text[^1] and more[^2].\n\n[^1]: First *note*.\n[^2]: Second.\n",
  "https://example.com/a_b_c. Then www.example.com and me@example.com!",
  "Hello! Wow!! **Really?!** Yes.",
  "![a cat](https://example.com/cat.png) then text",
  "Line one  \nline two\\\nline three\n\n* star\n+ plus\n",
];

/** Where what a prefix is depends on a line that follows it: the definition of a link, what makes a table of a line. */
const UNDECIDABLE = [/^See \[the source\]\[s\](?![\s\S]*\[s\]: https)/, /^Name \|(?![\s\S]*-[\s\S]*\|)/];

for (const document of DOCUMENTS) {
  test(`no prefix shows marks that ${JSON.stringify(document.slice(0, 50))} does not show`, () => {
    const whole = visible(views(document, false));
    const wrong = [];
    for (let length = 1; length <= document.length; length++) {
      const prefix = document.slice(0, length);
      if (UNDECIDABLE.some((known) => known.test(prefix))) continue;
      const seen = visible(views(prefix, true));
      if (!whole.startsWith(seen)) wrong.push(`${JSON.stringify(prefix.slice(-30))} -> ${seen.slice(-40)}`);
    }
    assert.deepEqual(wrong, []);
  });
}
