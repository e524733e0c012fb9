import assert from "node:assert/strict";
import { test } from "node:test";
import { argumentsSoFar, argumentsText } from "../../extension/sidepanel/call-text.js";

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
