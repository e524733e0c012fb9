/**
 * The panel's table of the provider's own tools, against the one that the worker's (`session/provider_tools.py`) is
 * tested with as well.
 */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { PRESETS } from "../../extension/shared/presets.js";
import { providerTools } from "../../extension/worker/settings/provider-tools.js";

const table = JSON.parse(readFileSync(new URL("../fixtures/provider-tools.json", import.meta.url), "utf8"));

test("each preset has the tools of the table", () => {
  assert.deepEqual(Object.keys(table).sort(), PRESETS.map(({ key }) => key).sort());
  for (const [preset, tools] of Object.entries(table)) {
    assert.deepEqual(providerTools({ preset, wire_api: "responses" }), tools, preset);
    assert.deepEqual(providerTools({ preset, wire_api: "chat" }), {}, preset);
  }
});

test("a preset of another version has none", () => {
  assert.deepEqual(providerTools({ preset: "new", wire_api: "responses" }), {});
});
