/** What is to be confirmed about an address before a key goes there. No DOM here. */

import { isLoopback } from "../shared/loopback.js";
import { labelOfPreset, presetOf } from "../shared/presets.js";
import { text } from "../shared/text.js";
import { lookAlikes } from "../ui/revealed.js";
import { isInsecure } from "./form.js";

/** Domains that belong to providers; a host below one of them is no imitation. */
const OFFICIAL = [
  ...[
    "openai.com",
    "chatgpt.com",
    "azure.com",
    "microsoft.com",
    "openrouter.ai",
    "anthropic.com",
    "googleapis.com",
    "google.com",
  ],
  ...[
    "mistral.ai",
    "groq.com",
    "deepseek.com",
    "x.ai",
    "together.ai",
    "together.xyz",
    "perplexity.ai",
    "cohere.com",
    "cohere.ai",
  ],
  ...["fireworks.ai", "cerebras.ai", "huggingface.co", "nvidia.com", "amazonaws.com", "cloudflare.com", "github.ai"],
];
/** Names that an imitation would hold. */
const BRANDS = "openai chatgpt openrouter anthropic mistral deepseek perplexity huggingface azure".split(" ");
/** Of the presets that lead to one provider: the domain of its hosts. @type {Record<string, string>} */
const DOMAINS = { openai: "openai.com", chatgpt: "chatgpt.com", azure: "azure.com", openrouter: "openrouter.ai" };

/**
 * Why an address should be looked at before a key is stored for it or sent to it.
 * @param {string} baseUrl
 * @param {object} options
 * @param {string} options.preset  The provider that is chosen.
 * @param {boolean} options.hasKey  A key would go there. Without one, a server of one's own network may do without
 *   encryption.
 * @returns {string[]}  Sentences for the user; empty where nothing is unusual.
 */
export function addressRisks(baseUrl, { preset, hasKey }) {
  const address = baseUrl.trim();
  if (!URL.canParse(address)) return [];
  const url = new URL(address);
  const host = url.hostname.replace(/\.$/, "");
  const risks = [];
  if (hasKey && isInsecure(address)) {
    risks.push(text("options_risk_unencrypted"));
  }
  if (url.hostname.endsWith(".")) risks.push(text("options_risk_final_period"));
  const [odd] = lookAlikes(/^[a-z]+:\/\/([^/?#]*)/i.exec(address)?.[1] ?? "");
  if (odd) risks.push(text("options_risk_look_alike", odd));
  else if (host.split(".").some((label) => label.startsWith("xn--"))) {
    risks.push(text("options_risk_other_letters", host));
  }
  const domain = DOMAINS[preset];
  const brand = imitated(host);
  if (domain && !isBelow(host, domain) && !isLoopback(host)) {
    risks.push(text("options_risk_other_domain", labelOfPreset(presetOf(preset)), domain));
  } else if (brand) risks.push(text("options_risk_imitation", brand));
  return risks;
}

/** @param {string} host @param {string} domain */
function isBelow(host, domain) {
  return host === domain || host.endsWith(`.${domain}`);
}

/**
 * The name that a host holds or nearly holds although it belongs to somebody else.
 * @param {string} host
 * @returns {string | undefined}
 */
function imitated(host) {
  if (OFFICIAL.some((domain) => isBelow(host, domain))) return undefined;
  const words = host.split(/[.-]/).flatMap((word) => [word, skeleton(word)]);
  const whole = skeleton(host.replace(/[.-]/g, ""));
  return BRANDS.find((brand) => whole.includes(skeleton(brand)) || words.some((word) => isNearly(word, brand)));
}

/** The word with what looks alike made the same. @param {string} word */
function skeleton(word) {
  return word
    .replace(/0/g, "o")
    .replace(/[1l|]/g, "i")
    .replace(/3/g, "e")
    .replace(/5/g, "s")
    .replace(/rn/g, "m")
    .replace(/vv/g, "w");
}

/**
 * Whether a word is another one but for one letter: more, less, another one, or two that have changed places.
 * @param {string} word
 * @param {string} other
 */
function isNearly(word, other) {
  if (Math.abs(word.length - other.length) > 1) return false;
  let start = 0;
  while (start < word.length && word[start] === other[start]) start += 1;
  let end = 0;
  const most = Math.min(word.length, other.length) - start;
  while (end < most && word[word.length - 1 - end] === other[other.length - 1 - end]) end += 1;
  const [one, two] = [word.slice(start, word.length - end), other.slice(start, other.length - end)];
  const isSwapped = one.length === 2 && one[0] === two[1] && one[1] === two[0];
  return isSwapped || (one.length < 2 && two.length < 2);
}
