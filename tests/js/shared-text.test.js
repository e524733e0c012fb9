/** The catalogue of texts: how a message gets its values, and that the catalogue and the code agree. */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { plural, text } from "../../extension/shared/text.js";

const EXTENSION = new URL("../../extension/", import.meta.url).pathname;
const SOURCES = [".js", ".html"];

/** @type {Record<string, {message: string, placeholders?: Record<string, {content: string}>}>} */
const catalogue = JSON.parse(readFileSync(join(EXTENSION, "_locales/en/messages.json"), "utf8"));
const manifest = readFileSync(join(EXTENSION, "../manifest.json"), "utf8");

/** Plural categories of English, by which keys of the catalogue end. */
const PLURAL = /_(?:one|other)$/;

/** @returns {string} */
function sources() {
  const names = readdirSync(EXTENSION, { recursive: true, encoding: "utf8" });
  const read = names.filter((name) => SOURCES.some((ending) => name.endsWith(ending)));
  return read.map((name) => readFileSync(join(EXTENSION, name), "utf8")).join("\n");
}

test("a message that depends on a number has a form for each", () => {
  assert.match(plural("models_loaded", 1), /^1 model loaded/);
  assert.match(plural("models_loaded", 0), /^0 models loaded/);
  assert.match(plural("models_loaded", 1234), /^1,234 models loaded/);
});

test("a value is shown as it is, also where it looks like a placeholder", () => {
  assert.match(text("models_loaded_other", "$1 $COUNT$"), /^\$1 \$COUNT\$ models loaded/);
});

test("a key that is not in the catalogue shows itself", () => {
  assert.equal(text(/** @type {any} */ ("no_such_key")), "no_such_key");
});

test("every placeholder of a message is defined, and every defined one is used", () => {
  for (const [key, { message, placeholders = {} }] of Object.entries(catalogue)) {
    const used = [...message.matchAll(/\$(\w+)\$/g)].map(([, name]) => name.toLowerCase());
    assert.deepEqual([...new Set(used)].sort(), Object.keys(placeholders).sort(), key);
    const places = Object.values(placeholders).map(({ content }) => content);
    assert.ok(
      places.every((content) => /^\$[1-9]$/.test(content)),
      `${key}: a placeholder stands for one value`,
    );
  }
});

test("a message with a plural form has all of them", () => {
  for (const key of Object.keys(catalogue).filter((name) => PLURAL.test(name))) {
    const base = key.replace(PLURAL, "");
    assert.ok(`${base}_one` in catalogue && `${base}_other` in catalogue, `${base} lacks a form`);
  }
});

test("every message of the catalogue is used", () => {
  const code = sources() + manifest;
  const unused = Object.keys(catalogue).filter((key) => {
    const name = key.replace(PLURAL, "");
    return !code.includes(`"${name}"`) && !code.includes(`__MSG_${key}__`);
  });
  assert.deepEqual(unused, []);
});

test("every text that a page's HTML asks for is in the catalogue", () => {
  for (const [, key] of sources().matchAll(/\sdata-text(?:-[a-z-]+)?="([^"]*)"/g)) {
    assert.ok(key in catalogue, `${key} is not in the catalogue`);
  }
});
