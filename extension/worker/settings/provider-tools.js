/**
 * The provider's own tools: which provider has which. They run at the provider, without a question in between.
 */

/**
 * Whether a provider has a tool; `perhaps` where it depends on what the user runs.
 * @typedef {"yes" | "perhaps"} Support
 */

/** All of them, by the names under which a conversation's settings allow them. */
const PROVIDER_TOOLS = /** @type {const} */ (["web_search", "code_interpreter", "image_generation", "file_search"]);

/** @typedef {typeof PROVIDER_TOOLS[number]} ProviderTool */

/** @param {Support} support @returns {Partial<Record<ProviderTool, Support>>} */
function all(support) {
  return Object.fromEntries(PROVIDER_TOOLS.map((tool) => [tool, support]));
}

/**
 * By preset; agrees with `session/provider_tools.py`.
 * @type {Record<string, Partial<Record<ProviderTool, Support>>>}
 */
const BY_PRESET = {
  openai: all("yes"),
  azure: all("yes"),
  chatgpt: { web_search: "yes", image_generation: "yes" },
  openrouter: { web_search: "yes" },
  vllm: { code_interpreter: "perhaps" },
  custom: all("perhaps"),
};

/**
 * The tools that a provider has. Chat Completions know none of them.
 * @param {{preset: string, wire_api: string}} settings
 * @returns {Partial<Record<ProviderTool, Support>>}
 */
export function providerTools({ preset, wire_api }) {
  return wire_api === "responses" ? (BY_PRESET[preset] ?? {}) : {};
}
