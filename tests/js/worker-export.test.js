import assert from "node:assert/strict";
import { test } from "node:test";
import "fake-indexeddb/auto";
import "./worker-vendor.js";

const { default: MarkdownIt } = await import("markdown-it");
const { asMarkdown } = await import("../../extension/worker/storage/markdown-export.js");
const { importConversations, exportConversations } = await import("../../extension/worker/storage/transfer.js");

/** As another program reads the file. */
const reader = new MarkdownIt({ html: true, linkify: true });

/**
 * @param {string} user
 * @param {string} answer
 * @param {Record<string, any>} [fields]
 * @returns {any}
 */
const turn = (user, answer, fields = {}) => ({
  id: crypto.randomUUID(),
  user,
  created_at: 1,
  status: "completed",
  model: "m",
  version: 2,
  position: 0,
  blocks: [{ kind: "text", text: answer, open: false }],
  items: [],
  ...fields,
});

/** @param {string} title @param {...any} turns */
function exported(title, ...turns) {
  const line = turns.map((each, at) => ({ ...each, position: at, ...(at > 0 ? { parent: turns[at - 1].id } : {}) }));
  return asMarkdown({ id: "c", created_at: 1, updated_at: 1, leaf: line[line.length - 1].id, turns: line }, title);
}

/** The headings at top level, as `## You`. @param {string} markdown */
function outline(markdown) {
  const tokens = reader.parse(markdown, {});
  return tokens.flatMap(({ type, level, tag }, at) =>
    type === "heading_open" && level === 0 ? [`${"#".repeat(Number(tag[1]))} ${tokens[at + 1].content}`] : [],
  );
}

const END = turn("Last question", "Last answer");
const LAST = ["## You", "## Assistant (m)"];

/** What nothing may follow from: messages and answers that leave something open. */
const OPEN = [
  "```python\nprint(1)",
  "~~~\ntext",
  "````md\n```js\nx\n```",
  "```\na\n```\n```",
  "- item\n  ```\n  code",
  "1. a\n\n   ```\n   code",
  "> ```\n> quoted",
  "$$\nx^2",
  "\\[\nx^2",
  "<!-- a comment",
  "text <!-- a comment",
  "<details>\n<summary>More</summary>\n\ntext",
  "<div>\n\ntext",
  "<table><tr><td>x",
  "<script>\nlet x = 1;",
  "<style>\nb {}",
  "<pre>\nx",
  "<textarea>\n\nx",
  "<?php\necho 1;",
  "<![CDATA[\nx",
  "<!DOCTYPE html",
  "<b>bold and <i>more",
  "<a href='x'>link",
  "[a link](http://x.test",
  "**bold",
  "`code",
  "| a | b |\n| - | - |\n| 1",
  "text\n---",
  "text\n===",
  "---\ntitle: x",
  "> quote",
  "- item\n    - deep",
  "    indented",
  "[^1]: note",
  "text\\",
  "&lt;",
  "```` `` ```` `",
  "```\n<!--\n```\n<!--",
];

for (const text of OPEN) {
  test(`what leaves ${JSON.stringify(text)} open swallows nothing`, () => {
    for (const [user, answer] of [
      [text, "fine"],
      ["fine", text],
    ]) {
      const markdown = exported("T", turn(user, answer), END);
      const headings = outline(markdown).filter((heading) => /^##? /.test(heading));
      assert.deepEqual(headings, ["# T", ...LAST, ...LAST], markdown);
      assert.match(reader.render(markdown), /<p>Last answer<\/p>\s*$/);
    }
  });
}

test("each element that a message opens is closed in it, in order", () => {
  const markdown = exported(
    "T",
    turn("x", "<b>one <i>two <kbd>three</kbd> `<u>` List<String>\n\n<details>\n\nfour"),
    END,
  );
  assert.match(markdown, /<\/details>/);
  assert.match(markdown, /<\/i><\/b>/);
  assert.doesNotMatch(markdown, /<\/(?:u|String|kbd)>[\s\S]*<\/kbd>|<\/u>|<\/String>/);
});

/**
 * CherryHQ/cherry-studio#15760: who speaks was a heading of the second level, and headings in answers were of the
 * first.
 */
test("headings in messages are below that of their turn, code stays as it is", () => {
  const answer =
    "# One\n\n## Two ##\n\nThree\nlines\n=====\n\n###### Six\n\n```sh\n# no heading\n```\n\n> # quoted\n\n#hashtag";
  const markdown = exported("T", turn("# Mine\n\nOr\n--", answer), END);
  assert.deepEqual(outline(markdown), [
    ...["# T", "## You", "### Mine", "#### Or", "## Assistant (m)"],
    ...["### One", "#### Two", "### Three lines", "###### Six", ...LAST],
  ]);
  assert.match(markdown, /^# no heading$/m);
  assert.match(markdown, /^#hashtag$/m);
});

/** rashidazarang/chatgpt-chat-exporter#25: backslashes were doubled and white space was lost. */
test("messages are in the file as they were written", () => {
  const text =
    "C:\\temp\\new\n\n    indented \\\\ twice\n\n- a\n\n\n- b *c* _d_ `e\\f` \\(x\\)\n\n| a |\n| - |\n| \\| |";
  const markdown = exported("T", turn(text, text));
  assert.equal(markdown.split(text).length, 3);
});

/** chatboxai/chatbox#1539: every message was put into a block of code. */
test("Markdown stays Markdown", () => {
  assert.match(
    reader.render(exported("T", turn("x", "**bold** and `code`"))),
    /<strong>bold<\/strong> and <code>code<\/code>/,
  );
});

/** sho7650/obsidian-AI-exporter#433: an outer fence was no longer than the fences inside. */
test("code that holds fences stays one block of code", () => {
  const answer = "````markdown\nBefore\n```js\nx()\n```\nAfter\n````";
  const [code] = reader.parse(exported("T", turn("x", answer), END), {}).filter(({ type }) => type === "fence");
  assert.equal(code.content, "Before\n```js\nx()\n```\nAfter\n");
});

/** intersystems-community/developer-community#72: one `~~~` without its pair broke the layout of all that followed. */
test("a mark without its pair ends with its message", () => {
  const markdown = exported("T", turn("x", "Almost done.\n\n~~~"), turn("**Not code**", "y"));
  assert.match(reader.render(markdown), /<strong>Not code<\/strong>/);
});

test("titles, names, models and errors mean nothing to Markdown", () => {
  const title = "*a* _b_ `c` [d](e) <f> # g &amp; $h$ | ~i~ \\ j_k #";
  const attachments = [{ id: "1", kind: "page", title: "A ]( *b*", url: "https://x.test/a b*c>", tokens: 1, size: 1 }];
  const error = { kind: "x", message: "It *broke*\n# here" };
  const markdown = exported(title, turn("x", "y", { attachments, error, model: "<script>`x" }), END);
  const [first] = reader.parse(markdown, {}).filter(({ type }) => type === "inline");
  assert.equal(first.children?.map(({ content }) => content).join(""), title);
  assert.ok(first.children?.every(({ type }) => type.startsWith("text")));
  assert.match(reader.render(markdown), /<h2>Assistant \(&lt;script&gt;`x\)<\/h2>/);
  assert.match(reader.render(markdown), /<em>It \*broke\* # here<\/em>/);
  assert.match(reader.render(markdown), /<em>Attached page: A \]\( \*b\* \(.*\)<\/em>/);
});

/**
 * mohamed-chs/convoviz#64 (a name in Cyrillic became "untitled"), Tyrrrz/DiscordChatExporter#1162 and
 * standardnotes/app#537 (`?`, `<`, `|`, `*` in names).
 */
test("names of files are safe everywhere, in any script, and not too long", async () => {
  const names = [
    ["Синонимы для каталога", "sidestream-Синонимы-для-каталога.md"],
    ['a<b>c:d"e/f\\g|h?i*j', "sidestream-a-b-c-d-e-f-g-h-i-j.md"],
    ["CON", "sidestream-CON.md"],
    ["..", "sidestream.md"],
    ["😀😀", "sidestream.md"],
    ["한글 제목", "sidestream-한글-제목.md"],
    ["trailing. ", "sidestream-trailing.md"],
    ["e\u0301t\u0000e", "sidestream-ét-e.md"],
  ];
  for (const [index, [title, name]] of names.entries()) {
    const id = `n${index}`;
    const { position: _, ...first } = turn("x", "y");
    const conversation = {
      id,
      title,
      created_at: 1,
      updated_at: 1,
      leaf: first.id,
      turns: [{ ...first, position: 0 }],
    };
    await importConversations(
      JSON.stringify({ format: "sidestream.conversations", version: 3, conversations: [conversation] }),
    );
    const { files } = await exportConversations({ ids: [id], format: "markdown" });
    assert.equal(files[0].name, name);
  }
});
