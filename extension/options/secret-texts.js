/** The texts about the key and the sign-in that are stored for a profile. No DOM here. */

import { language, text } from "../shared/text.js";

/** @import {SignInView} from "../shared/protocol.js" */

/** @param {boolean} locked  By the passphrase. */
export function storedKeyText(locked) {
  return text(locked ? "options_key_locked" : "options_key_hidden");
}

/**
 * @param {SignInView | undefined} signIn
 * @param {boolean} locked  By the passphrase.
 */
export function signInText(signIn, locked) {
  if (!signIn) return text("options_sign_in_none");
  if (locked) return text("options_sign_in_locked");
  const { expires_at } = signIn;
  const renewal = expires_at
    ? text("options_token_until", new Date(expires_at).toLocaleString(language()))
    : text("options_token_renews");
  return `${accountText(signIn)} ${renewal}`;
}

/** @param {SignInView} signIn */
function accountText({ account, plan }) {
  if (account) return plan ? text("options_signed_in_as_plan", account, plan) : text("options_signed_in_as", account);
  return plan ? text("options_signed_in_plan", plan) : text("options_signed_in");
}
