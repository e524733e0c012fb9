/**
 * The providers on offer, in this order. Names, addresses and wire APIs agree with `PRESETS` in
 * `pysrc/sidestream/presets.py`.
 */

import { text } from "./text.js";

/** @import { MessageKey } from "./text.js" */

/**
 * @typedef {object} Preset
 * @property {string} key
 * @property {string} label  The provider's own name, which is not translated.
 * @property {MessageKey} [label_key]  For what is no provider's name: shown in place of `label`.
 * @property {string} name  The name in requests and in the panel; empty for the host's name.
 * @property {string} base_url
 * @property {"responses" | "chat"} wire_api
 * @property {boolean} needs_key
 * @property {boolean} [needs_sign_in]  Takes the sign-in of a Codex `auth.json`, not a key.
 * @property {string} [model]  An example.
 * @property {MessageKey} [model_hint]  Describes the model's name where there is no example.
 * @property {MessageKey} [hint]
 * @property {MessageKey} [key_hint]
 */

/** The model of a new profile at OpenAI, and the example where OpenAI's models are offered. */
const OPENAI_MODEL = "gpt-5.2";

/** @type {Preset[]} */
export const PRESETS = [
  {
    key: "openai",
    label: "OpenAI",
    name: "OpenAI",
    base_url: "https://api.openai.com/v1",
    wire_api: "responses",
    needs_key: true,
    model: OPENAI_MODEL,
    key_hint: "preset_openai_key",
  },
  {
    key: "azure",
    label: "Azure OpenAI",
    name: "Azure",
    base_url: "https://YOUR-RESOURCE.openai.azure.com/openai/v1",
    wire_api: "responses",
    needs_key: true,
    model_hint: "preset_azure_model",
    hint: "preset_azure_hint",
    key_hint: "preset_azure_key",
  },
  {
    key: "chatgpt",
    label: "ChatGPT",
    name: "ChatGPT",
    base_url: "https://chatgpt.com/backend-api/codex",
    wire_api: "responses",
    needs_key: false,
    needs_sign_in: true,
    model: OPENAI_MODEL,
    hint: "preset_chatgpt_hint",
  },
  {
    key: "openrouter",
    label: "OpenRouter",
    name: "OpenRouter",
    base_url: "https://openrouter.ai/api/v1",
    wire_api: "chat",
    needs_key: true,
    model: `openai/${OPENAI_MODEL}`,
    hint: "preset_openrouter_hint",
    key_hint: "preset_openrouter_key",
  },
  {
    key: "ollama",
    label: "Ollama",
    name: "Ollama",
    base_url: "http://localhost:11434/v1",
    wire_api: "chat",
    needs_key: false,
    model: "llama3.2",
    hint: "preset_ollama_hint",
    key_hint: "preset_key_not_needed",
  },
  {
    key: "lmstudio",
    label: "LM Studio",
    name: "LM Studio",
    base_url: "http://localhost:1234/v1",
    wire_api: "chat",
    needs_key: false,
    model_hint: "preset_lmstudio_model",
    hint: "preset_lmstudio_hint",
    key_hint: "preset_key_not_needed",
  },
  {
    key: "llamacpp",
    label: "llama.cpp",
    name: "llama.cpp",
    base_url: "http://localhost:8080/v1",
    wire_api: "chat",
    needs_key: false,
    model_hint: "preset_model_as_listed",
    hint: "preset_llamacpp_hint",
    key_hint: "preset_key_if_started_with",
  },
  {
    key: "vllm",
    label: "vLLM",
    name: "vLLM",
    base_url: "http://localhost:8000/v1",
    wire_api: "chat",
    needs_key: false,
    model_hint: "preset_vllm_model",
    key_hint: "preset_key_if_started_with",
  },
  {
    key: "custom",
    label: "Custom",
    label_key: "preset_custom",
    name: "",
    base_url: "",
    wire_api: "chat",
    needs_key: false,
    model_hint: "preset_model_as_listed",
    hint: "preset_custom_hint",
    key_hint: "preset_custom_key",
  },
];

/**
 * @param {string} key
 * @returns {Preset}
 */
export function presetOf(key) {
  return PRESETS.find((preset) => preset.key === key) ?? PRESETS[PRESETS.length - 1];
}

/** The provider's name for the user. @param {Preset} preset */
export function labelOfPreset({ label, label_key }) {
  return label_key ? text(label_key) : label;
}
