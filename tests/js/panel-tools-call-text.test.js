import assert from "node:assert/strict";
import { test } from "node:test";
import {
  aboutArguments,
  argumentsSoFar,
  argumentsText,
  codeInShort,
} from "../../extension/sidepanel/tools/call-text.js";

test("code is shown as it is, other arguments as JSON, junk unchanged", () => {
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

test("arguments that are no code are shown as they arrive", () => {
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
    lookAlikes: [],
  });
  assert.deepEqual(aboutArguments("{}"), { lines: 1, hasUnseen: false, lookAlikes: [] });
});

/**
 * NousResearch/hermes-agent#81403: blanks other than ASCII ones push code out of view, and U+E0100, U+1D173 and U+1BCA0
 * are drawn as nothing. openclaw/openclaw#43687: characters like U+200B hide parts of a command.
 */
test("every blank but space, tab and line feed is named, and a row of them does not fill the view", () => {
  /** @param {string} code */
  const shown = (code) => argumentsText(JSON.stringify({ code })).text;
  const blanks = [
    0xa0, 0x1680, 0x2000, 0x2003, 0x200a, 0x202f, 0x205f, 0x3000, 0x2800, 0x3164, 0xffa0, 0x115f, 0x180e, 0x200b, 0x0b,
    0x0c,
  ];
  const others = [
    0xe0100, 0x1d173, 0x1bca0, 0xfe0f, 0xe0041, 0xe000, 0xf0000, 0x10fffe, 0xffff, 0x0378, 0x85, 0x7f, 0x2029, 0x061c,
    0xfffc,
  ];
  for (const code of [...blanks, ...others]) {
    const character = String.fromCodePoint(code);
    const name = `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
    assert.equal(shown(`a = 1${character}b`), `a = 1⟨${name}⟩b`);
    assert.equal(shown(`#${character.repeat(4000)}send()`), `#⟨${name} × 4,000⟩send()`);
  }
  const mixed = String.fromCodePoint(...blanks.filter((code) => code !== 0x0d)).repeat(500);
  assert.match(shown(`a${mixed}send()`), /^a⟨8,000 invisible characters: U\+00A0, U\+1680, …⟩send\(\)$/);
  assert.equal(aboutArguments(JSON.stringify({ code: mixed })).hasUnseen, true);
  assert.equal(shown("x = 1 #\r\r\rsend()"), "x = 1 #⟨U+000D × 3⟩\nsend()");
  assert.equal(shown("\ud800 \t\n"), "⟨U+D800⟩ \t\n");
  assert.equal(shown("❤️ ❤️\ufe0f"), "❤️ ❤️⟨U+FE0F⟩");
});

test("what emoji and languages join their signs with stays, and nothing else of that kind", () => {
  /** @param {string} code */
  const shown = (code) => argumentsText(JSON.stringify({ code })).text;
  const england = "\u{1f3f4}\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}";
  const families = ["👨‍👩‍👧‍👦", "🏳️‍🌈", "👩🏽‍💻", "❤️‍🔥", "1️⃣ #️⃣", england];
  const words = ["می\u200cخواهم", "क\u094d\u200dष", "क\u094d\u200cष", "ශ්\u200dරී", "ന്\u200d", "র\u200d্যাম"];
  for (const text of [...families, ...words]) {
    assert.equal(shown(text), text);
    assert.equal(aboutArguments(JSON.stringify({ code: text })).hasUnseen, false);
  }
  for (const text of [
    "a\u200db",
    "👨\u200d\u200d👩",
    "👨\u200d",
    "👨\u200db",
    "a\u200c",
    "می\u200c\u200cخ",
    "می\u200c ",
    "क\u200d\u094d",
    "क\u094d\u200d\u200d",
    "1\ufe0f",
    "\u{1f3f4}\u{e0072}\u{e006d}\u{e007f}",
    `${england}\u{e0067}`,
  ])
    assert.match(shown(text), /⟨U\+(?:200[CD]|FE0F|E00\d\d)/, JSON.stringify(text));
});

test("marks that pile up are counted, and those of languages stay", () => {
  /** @param {string} code */
  const shown = (code) => argumentsText(JSON.stringify({ code })).text;
  assert.equal(shown(`a${"\u0301".repeat(1000)}b`), "a\u0301\u0301\u0301\u0301⟨U+0301 × 996⟩b");
  for (const text of ["שָׁלוֹם", "ภาษาไทยที่นี่", "हिन्दी", "བོད་སྐད", "Việt ṩ", "e\u0301\u0323", "العَرَبِيَّة"])
    assert.equal(shown(text), text);
});

/** langchain-ai/deepagents#1694: a command whose host has Cyrillic letters looks like another one. */
test("letters that pass for Latin ones are named beside", () => {
  /** @param {string} code */
  const found = (code) => aboutArguments(JSON.stringify({ code })).lookAlikes;
  assert.deepEqual(found('get("https://p\u0430ypal.com/")'), ["p⟨U+0430⟩ypal.com"]);
  assert.deepEqual(found("\uff45val(x)"), ["⟨U+FF45⟩val"]);
  assert.deepEqual(found("\u{1d41e}val(x)"), ["⟨U+1D41E⟩val"]);
  assert.deepEqual(found('get("\u0430\u0440\u0440\u04cf\u0435.com")'), [
    "⟨U+0430⟩⟨U+0440⟩⟨U+0440⟩⟨U+04CF⟩⟨U+0435⟩.com",
  ]);
  assert.deepEqual(found('print("привет, мир") # café naïve Δt 日本 example.com'), []);
  for (const word of [
    "\u0441\u043e\u0440\u0443_file",
    "b-\u0441\u043e\u0440\u0443",
    "x-\u0440\u0430ypal",
    "g\u0131thub.com",
  ])
    assert.equal(found(word).length, 1, word);
  for (const text of [
    "# API-\u043a\u043b\u044e\u0447, HTTP-\u0437\u0430\u043f\u0440\u043e\u0441.",
    "\u03c1_air = 1.2; \u03b1_1 = \u03bd_max",
    "# mc\u00b2, CO\u2082, n\u00ba 5, 1\u00aa",
    "# sat\u0131r k\u0131rm\u0131z\u0131",
    "\u211d, \u{1d465}",
  ])
    assert.deepEqual(found(text), [], text);
  assert.equal(found(Array.from({ length: 50 }, (_, index) => `\u0430b${index}`).join(" ")).length, 3);
});

test("code in short", () => {
  assert.equal(codeInShort("import math\n\n# Half of it\n  math.pi / 2\nx = 1"), "math.pi / 2");
  assert.equal(codeInShort("import math"), "import math");
  assert.equal(codeInShort(""), "");
  assert.equal(codeInShort("x".repeat(100)), `${"x".repeat(80)}…`);
});
