/**
 * What is checked before settings or a key are stored or tried. Each check throws a `UserError` that names the field.
 */

import { isLoopback } from "../../shared/loopback.js";
import { readApiKey, readProfile, settingError } from "../../shared/profile-schema.js";
import { text } from "../../shared/text.js";
import * as vault from "./vault.js";

/** @import { Settings } from "../../shared/protocol.js" */
/** @import { Owner } from "./vault.js" */

/**
 * The settings without anything unknown, or a `UserError` that names the field.
 * @param {unknown} value
 * @param {{modelNeeded?: boolean}} [options]
 * @returns {Settings}
 */
export function checkSettings(value, options) {
  const { settings, problems } = readProfile(value, options);
  if (problems.length > 0) throw settingError(problems[0]);
  return settings;
}

/** @param {unknown} value */
export function checkKey(value) {
  const { key, problem } = readApiKey(value);
  if (problem) throw settingError(problem);
  return key;
}

/**
 * A stored key never goes to another origin than it was entered for. Local servers usually need none, so they may go
 * without.
 * @param {Owner} owner
 */
export async function requireOwnSecret({ id, origin }) {
  const stored = (await vault.vaultState()).originOf(id);
  if (stored === undefined || stored === origin || isLoopback(new URL(origin).hostname)) return;
  throw settingError({
    field: "api_key",
    code: "other_origin",
    message: text("key_other_origin", stored, origin),
    hint: text("key_enter_for_origin", origin),
  });
}
