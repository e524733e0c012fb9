/** Which headers an export leaves out, by the names that `tests/test_secret_names.py` checks for Python as well. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { writeSettingsFile } from "../../extension/worker/settings/settings-file.js";

/** @type {Record<"secret" | "left_out_of_exports_only" | "harmless", string[]>} */
const names = JSON.parse(readFileSync(new URL("../fixtures/secret_names.json", import.meta.url), "utf8"));

/** @param {string} name @param {"http_headers" | "query_params"} field */
function isLeftOut(name, field) {
  const settings = { preset: "custom", name: "A", base_url: "https://a.test/v1", wire_api: "chat", model: "m" };
  const { text, left_out } = writeSettingsFile([/** @type {any} */ ({ ...settings, [field]: { [name]: "value" } })], 0);
  assert.equal(left_out.includes(name), !text.includes('"value"'));
  return left_out.includes(name);
}

for (const field of /** @type {const} */ (["http_headers", "query_params"])) {
  test(`${field}: what Python takes for a secret is in no export`, () => {
    for (const name of [...names.secret, ...names.left_out_of_exports_only]) assert.ok(isLeftOut(name, field), name);
  });

  test(`${field}: what is harmless is exported`, () => {
    for (const name of names.harmless) assert.ok(!isLeftOut(name, field), name);
  });
}
