/**
 * Codex's `auth.json`: what of it is of use, and what a sign-in tells about itself. The tokens are used by
 * `pysrc/sidestream/auth.py`.
 */

import { configurationError } from "../../shared/errors.js";

/** @import { SignInView } from "../../shared/protocol.js" */

const MAX_LENGTH = 65_536;
const CLAIMS = "https://api.openai.com/auth";
const WHERE = "Choose the whole file ~/.codex/auth.json, as codex login writes it.";

/**
 * @param {unknown} text  The file's content.
 * @returns {{signIn?: string, apiKey?: string}}  At least one of both. The sign-in is the file without the API key.
 *   Throws a `UserError` when this is no such file; it quotes nothing of it.
 */
export function parseAuthJson(text) {
  if (typeof text !== "string" || !text.trim()) throw configurationError("The auth.json is empty.", WHERE);
  if (text.length > MAX_LENGTH) throw configurationError("This is too long for an auth.json.", WHERE);
  const file = parseObject(text);
  if (!file) throw configurationError("This is no auth.json: it is not a JSON object.", WHERE);
  if (file.format === "sidestream-settings") {
    throw configurationError(
      "This is an export of Sidestream's settings, no auth.json.",
      "Use “Import settings” for it.",
    );
  }
  const accessToken = file.tokens?.access_token;
  const key = file.OPENAI_API_KEY;
  const signIn = typeof accessToken === "string" && accessToken.trim() ? { ...file, OPENAI_API_KEY: null } : undefined;
  const apiKey = typeof key === "string" && key.trim() ? key.trim() : undefined;
  if (!signIn && !apiKey) {
    throw configurationError(
      "This file holds neither a ChatGPT sign-in nor an API key.",
      "Run codex login, then choose its new ~/.codex/auth.json.",
    );
  }
  return { ...(signIn ? { signIn: JSON.stringify(signIn) } : {}), ...(apiKey ? { apiKey } : {}) };
}

/**
 * What may be shown of a sign-in.
 * @param {string} authJson
 * @returns {SignInView}
 */
export function describeSignIn(authJson) {
  const tokens = parseObject(authJson)?.tokens ?? {};
  const identity = payloadOf(tokens.id_token);
  const claims = identity[CLAIMS] ?? {};
  const account = [identity.email, claims.chatgpt_account_id, tokens.account_id].find(isText);
  const plan = claims.chatgpt_plan_type;
  const { exp } = payloadOf(tokens.access_token);
  return {
    ...(account ? { account } : {}),
    ...(isText(plan) ? { plan } : {}),
    ...(typeof exp === "number" ? { expires_at: exp * 1000 } : {}),
  };
}

/** @param {unknown} value @returns {value is string} */
const isText = (value) => typeof value === "string" && value !== "";

/**
 * The middle part of a JSON web token; its signature is the server's matter.
 * @param {unknown} token
 * @returns {Record<string, any>}
 */
function payloadOf(token) {
  const parts = isText(token) ? token.split(".") : [];
  if (parts.length !== 3) return {};
  try {
    const bytes = Uint8Array.from(atob(parts[1].replace(/-/g, "+").replace(/_/g, "/")), (char) => char.charCodeAt(0));
    return parseObject(new TextDecoder().decode(bytes)) ?? {};
  } catch {
    return {};
  }
}

/** @param {string} text @returns {Record<string, any> | undefined} */
function parseObject(text) {
  try {
    const value = JSON.parse(text);
    return value && typeof value === "object" && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
