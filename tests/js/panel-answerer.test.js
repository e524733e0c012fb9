import assert from "node:assert/strict";
import { test } from "node:test";
import { answererOf } from "../../extension/sidepanel/answerer.js";

const provider = {
  configured: true,
  demo: false,
  locked: false,
  name: "OpenAI",
  model: "gpt-5.1",
  profiles: [
    { id: "1", name: "OpenAI", model: "gpt-5.1", tools: /** @type {const} */ ({ web_search: "yes" }) },
    { id: "2", name: "Ollama", model: "llama" },
  ],
  active: "1",
};

test("the provider and the model are those of the conversation, else those of the settings", () => {
  const active = { id: "1", name: "OpenAI", model: "gpt-5.1", hasOwnProfile: false, tools: { web_search: "yes" } };
  assert.deepEqual(answererOf(provider, {}), active);
  assert.deepEqual(answererOf(provider, { model: "mini" }), { ...active, model: "mini" });
  const own = { id: "2", name: "Ollama", model: "llama", hasOwnProfile: true, tools: {} };
  assert.deepEqual(answererOf(provider, { profile: "2" }), own);
  assert.deepEqual(answererOf(provider, { profile: "2", model: "mini" }), { ...own, model: "mini" });
  assert.deepEqual(answererOf(provider, { profile: "removed" }), active);
  assert.equal(answererOf(null, { model: "mini" }).model, "mini");
});
