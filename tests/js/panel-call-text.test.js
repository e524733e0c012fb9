import assert from "node:assert/strict";
import { test } from "node:test";
import { aboutArguments, argumentsSoFar, argumentsText, codeInShort } from "../../extension/sidepanel/call-text.js";

test("code is shown as it is, other arguments as JSON, junk as it came", () => {
  assert.deepEqual(argumentsText('{"code": "a\\nb"}'), { text: "a\nb", isCode: true });
  assert.deepEqual(argumentsText('{"code":"a","b":1}'), { text: '{\n  "code": "a",\n  "b": 1\n}', isCode: false });
  assert.deepEqual(argumentsText("{}"), { text: "", isCode: false });
  for (const text of ["", "{", '"x"', "null", "7"]) assert.deepEqual(argumentsText(text), { text, isCode: false });
});

test("code is code from its first character on, and only grows", () => {
  const code = 'print("ä\\n", \'\u{1f600}\')\n\t# \\u "quoted"';
  for (const text of [JSON.stringify({ code }), JSON.stringify({ code }).replace("ä", "\\u00e4")]) {
    const begin = text.indexOf(":") + 2;
    let shown = "";
    for (let length = begin; length <= text.length; length += 1) {
      const now = argumentsSoFar(text.slice(0, length));
      assert.ok(now.startsWith(shown), `${JSON.stringify(now)} after ${JSON.stringify(shown)}`);
      shown = now;
    }
    assert.equal(shown, code);
  }
});

test("arguments that are no code are shown as they come", () => {
  for (const text of ["", "{", '{"co', '{"url": "x', '{"code": 7', '{"code": "a\nb'])
    assert.equal(argumentsSoFar(text), text);
});

test("long code is shown in time", () => {
  const code = 'x = "y"\n'.repeat(100_000);
  assert.equal(argumentsSoFar(JSON.stringify({ code })), code);
});

test("what cannot be seen is named", () => {
  /** @param {string} code */
  const shown = (code) => argumentsText(JSON.stringify({ code })).text;
  // To Python a carriage return ends a line, and so ends the comment.
  assert.equal(shown("x = 1 # nothing\rsend()"), "x = 1 # nothing⟨U+000D⟩\nsend()");
  assert.equal(shown("a = 1\r\n\tb = 2\n"), "a = 1\n\tb = 2\n");
  assert.equal(shown('"\u202e\u2066 }"'), '"⟨U+202E⟩⟨U+2066⟩ }"');
  assert.equal(
    shown("a\u200bb\ufeff\u00ad\u3164\u2028\u{e0041}"),
    "a⟨U+200B⟩b⟨U+FEFF⟩⟨U+00AD⟩⟨U+3164⟩⟨U+2028⟩⟨U+E0041⟩",
  );
  assert.equal(shown("\u001b[2K\b\0"), "⟨U+001B⟩[2K⟨U+0008⟩⟨U+0000⟩");
  assert.equal(shown("ä é 日本 שלום 😀 ❤️"), "ä é 日本 שלום 😀 ❤️");
  assert.equal(argumentsSoFar('{"code": "a\\u202e'), "a⟨U+202E⟩");
  assert.equal(argumentsText('{"start": "\u202e"}').text, '{\n  "start": "⟨U+202E⟩"\n}');
  assert.equal(argumentsText("\u202e").text, "⟨U+202E⟩");
  assert.deepEqual(aboutArguments(JSON.stringify({ code: `1${"\n".repeat(99)}2\u200b\n` })), {
    lines: 100,
    hasUnseen: true,
  });
  assert.deepEqual(aboutArguments("{}"), { lines: 1, hasUnseen: false });
});

test("code in short", () => {
  assert.equal(codeInShort("import math\n\n# Half of it\n  math.pi / 2\nx = 1"), "math.pi / 2");
  assert.equal(codeInShort("import math"), "import math");
  assert.equal(codeInShort(""), "");
  assert.equal(codeInShort("x".repeat(100)), `${"x".repeat(80)}…`);
});
