import { text } from "./text.js";

/** @import { TurnError } from "./protocol.js" */

/** A failure that a person can act on. Its message and hint are shown as they are, so they hold no secret. */
export class UserError extends Error {
  /**
   * @param {string} kind  An `ErrorKind` of `pysrc/sidestream/errors.py`.
   * @param {string} message  What happened.
   * @param {string} [hint]  What the user can do.
   * @param {{field?: string, code?: string}} [cause]  The setting that it is about, and what is wrong with it.
   */
  constructor(kind, message, hint, { field, code } = {}) {
    super(message);
    this.name = "UserError";
    this.kind = kind;
    this.hint = hint;
    this.field = field;
    this.code = code;
  }
}

/** @param {string} message @param {string} [hint] */
export const configurationError = (message, hint) => new UserError("configuration", message, hint);

/**
 * Any error as the pages show it. An error that is not meant for users becomes a general message.
 * @param {unknown} error
 * @returns {TurnError}
 */
export function toTurnError(error) {
  if (error instanceof UserError) {
    const { kind, message, hint, field, code } = error;
    return { kind, message, ...(hint ? { hint } : {}), ...(field ? { field } : {}), ...(code ? { code } : {}) };
  }
  const name = error instanceof Error ? error.name : "Error";
  if (name === "QuotaExceededError") {
    return {
      kind: "internal",
      message: text("error_disk_full"),
      hint: text("error_free_disk"),
    };
  }
  return {
    kind: "internal",
    message: text("error_internal", name),
    hint: text("error_internal_hint"),
  };
}
