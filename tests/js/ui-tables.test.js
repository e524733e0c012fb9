import assert from "node:assert/strict";
import { test } from "node:test";
import "./panel-dom.js";

const { csvField } = await import("../../extension/ui/tables.js");

test("fields are quoted by RFC 4180 where they have to be", () => {
  const fields = {
    a: "a",
    "a,b": '"a,b"',
    'say "x"': '"say ""x"""',
    "a\nb": '"a\nb"',
    " a": '" a"',
    "": "",
    "名,前": '"名,前"',
  };
  for (const [text, field] of Object.entries(fields)) assert.equal(csvField(text), field);
});
