/** The dialog that asks before something is removed, replaced or sent to an unusual address. */

import { byId } from "../ui/dom.js";
import { revealed } from "../ui/revealed.js";

/** @typedef {typeof confirmed} Confirmed */

/** In characters; a host has 253 at most. */
const LONGEST_QUESTION = 900;

/**
 * @param {string} title
 * @param {string} text
 * @param {string} yes  What the button says that does it.
 * @returns {Promise<boolean>}
 */
export function confirmed(title, text, yes) {
  const dialog = /** @type {HTMLDialogElement} */ (byId("question"));
  byId("question-title").textContent = forQuestion(title);
  byId("question-text").textContent = forQuestion(text);
  byId("question-yes").textContent = yes;
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

/** What is asked about may have been named by a file. @param {string} text */
function forQuestion(text) {
  const shown = revealed(text.slice(0, 2 * LONGEST_QUESTION));
  return shown.length > LONGEST_QUESTION ? `${shown.slice(0, LONGEST_QUESTION)}…` : shown;
}
