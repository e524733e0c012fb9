/** Messages of Python in the user's language, from their keys and parameters. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { localisedError, pythonText } from "../../extension/shared/python-text.js";

/** @type {Record<string, string>} */
const CATALOGUE = {
  language: "de",
  python_greeting: "Hallo",
  python_two: "$2 vor $1",
  python_files_one: "$1 Datei in $2",
  python_files_other: "$1 Dateien in $2",
  python_says: "$1 Der Server sagt: $2",
  python_wait: "Warten: $1",
};

globalThis.chrome = /** @type {any} */ ({
  i18n: {
    /** @param {string} key @param {string[]} [values] */
    getMessage: (key, values = []) =>
      (CATALOGUE[key] ?? "").replace(/\$(\d)/g, (_, at) => values[Number(at) - 1] ?? ""),
  },
});

test("a known key gives the message of the catalogue, with its values in alphabetical order of their names", () => {
  assert.equal(pythonText("Hello", { key: "greeting", parameters: {} }), "Hallo");
  assert.equal(pythonText("x", { key: "two", parameters: { b: "B", a: "A" } }), "B vor A");
});

test("without a key, and with one that nobody knows, the sentence stays", () => {
  assert.equal(pythonText("Hello"), "Hello");
  assert.equal(pythonText("Hello", { key: "no_such_key", parameters: {} }), "Hello");
  assert.equal(pythonText("Hello", { key: "app_name", parameters: {} }), "Hello");
});

test("numbers choose the form, and are written as the language writes them", () => {
  assert.equal(pythonText("x", { key: "files", parameters: { count: 1, place: "A" } }), "1 Datei in A");
  assert.equal(pythonText("x", { key: "files", parameters: { count: 1200, place: "A" } }), "1.200 Dateien in A");
});

test("messages within messages are translated, too", () => {
  const parameters = { message: { key: "greeting", parameters: {} }, said: "Wait." };
  assert.equal(pythonText("x", { key: "says", parameters }), "Hallo Der Server sagt: Wait.");
  const unknown = { message: { key: "no_such_key", parameters: {} }, said: "Wait." };
  assert.equal(pythonText("Hello", { key: "says", parameters: unknown }), "Hello");
});

test("spans and moments are written in the language", () => {
  assert.equal(pythonText("x", { key: "wait", parameters: { span: { ms: 360_000 } } }), "Warten: 6 Min.");
  assert.equal(pythonText("x", { key: "wait", parameters: { span: { ms: 1500 } } }), "Warten: 1,5 Sek.");
  const at = new Date(2024, 0, 3, 15, 5).getTime() / 1000;
  assert.match(pythonText("x", { key: "wait", parameters: { time: { at } } }), /03\.01\.2024.*15:05/);
});

test("an imported file may hold anything in the place of a key: the sentence is shown", () => {
  /** @type {any} */
  let deep = { key: "greeting", parameters: {} };
  for (let depth = 0; depth < 50; depth++) deep = { key: "wait", parameters: { inner: deep } };
  for (const told of [
    null,
    7,
    "greeting",
    [],
    { key: 7 },
    { key: "__proto__" },
    { key: "greeting", parameters: 3 },
    { key: "wait", parameters: { a: null } },
    { key: "wait", parameters: { a: { at: 1e300 } } },
    { key: "wait", parameters: { a: { ms: "soon" } } },
    { key: "wait", parameters: { a: ["x"] } },
    { key: "files", parameters: { count: "1" } },
    deep,
  ]) {
    assert.equal(pythonText("Hello", told), "Hello", JSON.stringify(told)?.slice(0, 80));
  }
});

test("an error shows its message and hint in the language, and one of the extension stays as it is", () => {
  const greeting = { key: "greeting", parameters: {} };
  const error = { kind: "network", message: "Hello", message_text: greeting, hint: "Hello", hint_text: greeting };
  assert.deepEqual(localisedError(error), { ...error, message: "Hallo", hint: "Hallo" });
  const own = { kind: "internal", message: "Hello", hint: "Bye" };
  assert.equal(localisedError(own), own);
});
