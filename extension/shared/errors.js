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
 * Any error as what the pages show. What is not meant for people becomes a plain sentence.
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
      message: "The disk is full: nothing more can be stored.",
      hint: "Delete old conversations (Conversations, then Free space) or free some disk space, then try again.",
    };
  }
  return {
    kind: "internal",
    message: `Something in Sidestream failed (${name}).`,
    hint: "Try again. The extension's console holds the details.",
  };
}
