/**
 * Reads Codex's `auth.json`: its sign-in or API key, and what may be shown of a sign-in. `pysrc/sidestream/auth.py`
 * uses the tokens.
 */

import { configurationError } from "../../shared/errors.js";
import { hasText } from "../../shared/plain.js";
import { text } from "../../shared/text.js";

/** @import { SignInView } from "../../shared/protocol.js" */

const MAX_LENGTH = 65_536;
const CLAIMS = "https://api.openai.com/auth";

/**
 * @param {unknown} content  The file's.
 * @returns {{signIn?: string, apiKey?: string}}  At least one of both. The sign-in is the file without the API key.
 *   Throws a `UserError` when this is no such file; it quotes nothing of it.
 */
export function parseAuthJson(content) {
  const hint = text("auth_json_choose");
  if (typeof content !== "string" || !content.trim()) throw configurationError(text("auth_json_empty"), hint);
  if (content.length > MAX_LENGTH) throw configurationError(text("auth_json_too_large"), hint);
  const file = parseObject(content);
  if (!file) throw configurationError(text("auth_json_not_json"), hint);
  if (file.format === "sidestream-settings") {
    throw configurationError(text("auth_json_is_settings"), text("auth_json_use_import"));
  }
  const accessToken = file.tokens?.access_token;
  const key = file.OPENAI_API_KEY;
  const signIn = typeof accessToken === "string" && accessToken.trim() ? { ...file, OPENAI_API_KEY: null } : undefined;
  const apiKey = typeof key === "string" && key.trim() ? key.trim() : undefined;
  if (!signIn && !apiKey) {
    throw configurationError(text("auth_json_no_secret"), text("auth_json_log_in"));
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
  const account = [identity.email, claims.chatgpt_account_id, tokens.account_id].find(hasText);
  const plan = claims.chatgpt_plan_type;
  const { exp } = payloadOf(tokens.access_token);
  return {
    ...(account ? { account } : {}),
    ...(hasText(plan) ? { plan } : {}),
    ...(typeof exp === "number" ? { expires_at: exp * 1000 } : {}),
  };
}

/**
 * The middle part of a JSON web token; its signature is the server's matter.
 * @param {unknown} token
 * @returns {Record<string, any>}
 */
function payloadOf(token) {
  const parts = hasText(token) ? token.split(".") : [];
  if (parts.length !== 3) return {};
  try {
    const bytes = Uint8Array.from(atob(parts[1].replace(/-/g, "+").replace(/_/g, "/")), (char) => char.charCodeAt(0));
    return parseObject(new TextDecoder().decode(bytes)) ?? {};
  } catch {
    return {};
  }
}

/** @param {string} json @returns {Record<string, any> | undefined} */
function parseObject(json) {
  try {
    const value = JSON.parse(json);
    return value && typeof value === "object" && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
