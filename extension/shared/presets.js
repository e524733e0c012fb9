/**
 * The providers on offer, in this order. Names, addresses and wire APIs agree with `PRESETS` in
 * `pysrc/sidestream/presets.py`.
 */

/**
 * @typedef {object} Preset
 * @property {string} key
 * @property {string} label
 * @property {string} name  How requests and the panel call it; empty for the host's name.
 * @property {string} base_url
 * @property {"responses" | "chat"} wire_api
 * @property {boolean} needs_key
 * @property {boolean} [needs_sign_in]  Takes the sign-in of a Codex `auth.json`, not a key.
 * @property {string} model  An example.
 * @property {string} hint
 * @property {string} key_hint
 */

/** @type {Preset[]} */
export const PRESETS = [
  {
    key: "openai",
    label: "OpenAI",
    name: "OpenAI",
    base_url: "https://api.openai.com/v1",
    wire_api: "responses",
    needs_key: true,
    model: "gpt-5.1",
    hint: "",
    key_hint: "Made at platform.openai.com/api-keys; begins with sk-.",
  },
  {
    key: "azure",
    label: "Azure OpenAI",
    name: "Azure",
    base_url: "https://YOUR-RESOURCE.openai.azure.com/openai/v1",
    wire_api: "responses",
    needs_key: true,
    model: "the name of your deployment",
    hint:
      "Put your resource's name into the base URL. The model is the name of your deployment. " +
      "Addresses without /v1 need the query parameter api-version (see Advanced).",
    key_hint: "Key 1 or key 2 of the resource, in the Azure portal.",
  },
  {
    key: "chatgpt",
    label: "ChatGPT",
    name: "ChatGPT",
    base_url: "https://chatgpt.com/backend-api/codex",
    wire_api: "responses",
    needs_key: false,
    needs_sign_in: true,
    model: "gpt-5.2",
    hint: "Uses your ChatGPT plan, with the sign-in of a Codex auth.json. Codex and Sidestream should not share one: see below.",
    key_hint: "",
  },
  {
    key: "openrouter",
    label: "OpenRouter",
    name: "OpenRouter",
    base_url: "https://openrouter.ai/api/v1",
    wire_api: "chat",
    needs_key: true,
    model: "openai/gpt-5.1",
    hint: "Models are named with their maker, as in openai/gpt-5.1.",
    key_hint: "Made at openrouter.ai/settings/keys; begins with sk-or-.",
  },
  {
    key: "ollama",
    label: "Ollama",
    name: "Ollama",
    base_url: "http://localhost:11434/v1",
    wire_api: "chat",
    needs_key: false,
    model: "llama3.2",
    hint: "If Ollama refuses with 403, start it with the environment variable OLLAMA_ORIGINS=chrome-extension://*.",
    key_hint: "Not needed.",
  },
  {
    key: "lmstudio",
    label: "LM Studio",
    name: "LM Studio",
    base_url: "http://localhost:1234/v1",
    wire_api: "chat",
    needs_key: false,
    model: "as LM Studio lists it",
    hint: "Start the server in LM Studio's Developer tab.",
    key_hint: "Not needed.",
  },
  {
    key: "llamacpp",
    label: "llama.cpp",
    name: "llama.cpp",
    base_url: "http://localhost:8080/v1",
    wire_api: "chat",
    needs_key: false,
    model: "as the server lists it",
    hint: "The address of llama-server.",
    key_hint: "Only if the server was started with --api-key.",
  },
  {
    key: "vllm",
    label: "vLLM",
    name: "vLLM",
    base_url: "http://localhost:8000/v1",
    wire_api: "chat",
    needs_key: false,
    model: "as given to vllm serve",
    hint: "",
    key_hint: "Only if the server was started with --api-key.",
  },
  {
    key: "custom",
    label: "Custom",
    name: "",
    base_url: "",
    wire_api: "chat",
    needs_key: false,
    model: "as the server lists it",
    hint: "Any server that speaks the Responses API or Chat Completions.",
    key_hint: "If the server wants one.",
  },
];

/**
 * @param {string} key
 * @returns {Preset}
 */
export function presetOf(key) {
  return PRESETS.find((preset) => preset.key === key) ?? PRESETS[PRESETS.length - 1];
}
