import assert from "node:assert/strict";
import { test } from "node:test";
import { missingToolsText, permissionsText } from "../../extension/sidepanel/tools/permission-labels.js";

test("permissions are summarised in one line", () => {
  assert.equal(permissionsText({}, { web_search: "yes" }), "");
  assert.equal(permissionsText({ tools: { python: "never" } }, {}), "");
  assert.equal(permissionsText({ tools: { python: "ask" } }, {}), "Python (asks)");
  assert.equal(permissionsText({ tools: { python: "always" }, network: ["a.test"] }, {}), "Python (1 host)");
  assert.equal(
    permissionsText({ tools: { read_page: "always", python: "ask" }, network: ["a.test", "b.test"] }, {}),
    "Python (asks, 2 hosts), This page",
  );
});

test("of the provider's tools only those count that it has and that can do something", () => {
  const tools = /** @type {const} */ ({ web_search: "always", file_search: "always" });
  assert.equal(permissionsText({ tools }, {}), "");
  const has = { web_search: "yes", file_search: "perhaps" };
  assert.equal(permissionsText({ tools }, has), "Web search");
  assert.equal(permissionsText({ tools, vector_stores: ["vs_1"] }, has), "Web search, File search");
  assert.equal(permissionsText({ tools: { web_search: "ask" } }, has), "");
});

test("tools that are on and that the provider lacks are named", () => {
  const tools = /** @type {const} */ ({ web_search: "always", file_search: "always", code_interpreter: "never" });
  assert.equal(missingToolsText({}, "Ollama", {}), "");
  assert.equal(missingToolsText({ tools }, "Ollama", { web_search: "yes", file_search: "yes" }), "");
  assert.equal(
    missingToolsText({ tools }, "Ollama", { web_search: "perhaps" }),
    "Not available from Ollama: File search.",
  );
  assert.equal(missingToolsText({ tools }, "Ollama", {}), "Not available from Ollama: Web search, File search.");
});
