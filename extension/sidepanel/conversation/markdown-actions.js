/**
 * What the buttons inside an answer's Markdown do. One listener for all of them: the nodes around them come and go.
 */

import { mayBeFetched } from "../../shared/private-host.js";
import { text as message } from "../../shared/text.js";
import { el } from "../../ui/dom.js";
import { pointerIsUp } from "../../ui/pointer.js";
import { save } from "../../ui/save.js";
import { toCsv, toMarkdown } from "../../ui/tables.js";
import { saveCode, toggleWrap } from "./code-tools.js";

/** How long a button shows that it has done its work. */
const CONFIRMATION_MS = 2000;
/** A live region is filled again this long after it was emptied. */
const ANNOUNCEMENT_MS = 100;

/**
 * @param {MouseEvent} event
 */
export function onMarkdownClick(event) {
  const button = /** @type {Element} */ (event.target).closest("button[data-action]");
  if (!(button instanceof HTMLButtonElement)) return;
  const code = button.closest(".code")?.querySelector("code");
  const table = button.closest(".table")?.querySelector("table");
  switch (button.dataset.action) {
    case "copy-code":
      copy(code?.textContent ?? "", button);
      break;
    case "save-code":
      if (code) saveCode(code);
      break;
    case "wrap-code":
      toggleWrap(button);
      break;
    case "copy-markdown":
      if (table) copy(toMarkdown(table), button);
      break;
    case "copy-csv":
      if (table) copy(toCsv(table), button);
      break;
    case "save-csv":
      // Spreadsheets take a file without this mark for one in an old encoding.
      if (table) save("table.csv", new Blob([`\ufeff${toCsv(table)}`], { type: "text/csv" }));
      break;
    case "show-image":
      showImage(button);
      break;
  }
}

/** What a button says when it confirms nothing. @type {WeakMap<HTMLButtonElement, string>} */
const labels = new WeakMap();
/** @type {WeakMap<HTMLButtonElement, ReturnType<typeof setTimeout>>} */
const confirming = new WeakMap();

/**
 * Copies text, and reports that on the button and to screen readers.
 * @param {string} text
 * @param {HTMLButtonElement} button
 */
export async function copy(text, button) {
  let done = true;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    done = false;
  }
  // A second press finds the confirmation of the first one, which is no label.
  const label = labels.get(button) ?? button.dataset.label ?? button.textContent;
  labels.set(button, label);
  const confirmation = message(done ? "common_copied" : "common_copy_failed");
  setLabel(button, confirmation);
  button.classList.toggle("done", done);
  announce(confirmation);
  clearTimeout(confirming.get(button));
  confirming.set(
    button,
    setTimeout(() => {
      setLabel(button, label);
      button.classList.toggle("done", false);
    }, CONFIRMATION_MS),
  );
}

/**
 * @param {HTMLButtonElement} button
 * @param {string} label
 */
function setLabel(button, label) {
  if (button.dataset.label === undefined) {
    button.textContent = label;
    return;
  }
  button.setAttribute("aria-label", label);
  button.title = label;
}

/**
 * A button that copies all that is known of an error.
 * @param {() => string} text
 */
export function copyDetailsButton(text) {
  const title = message("error_copy_details_hint");
  const button = el(
    "button",
    { type: "button", title, onclick: () => copy(text(), button) },
    message("error_copy_details"),
  );
  return button;
}

/** Read out by screen readers, and not seen. @type {HTMLElement | undefined} */
let spoken;

/** @param {string} text */
function announce(text) {
  if (!spoken?.isConnected) {
    spoken = el("p", { class: "visually-hidden", "aria-live": "polite" });
    document.body.append(spoken);
  }
  const place = spoken;
  place.textContent = "";
  // What a live region holds when it appears, or holds already, is not read out.
  setTimeout(() => {
    place.textContent = text;
  }, ANNOUNCEMENT_MS);
  setTimeout(() => {
    place.textContent = "";
  }, CONFIRMATION_MS);
}

/**
 * Puts an image in the place of its button, in one step: when it is there with its size, and nobody holds what it
 * moves.
 * @param {HTMLButtonElement} button
 */
async function showImage(button) {
  const { src = "", alt = "" } = button.dataset;
  if (button.hasAttribute("aria-busy")) return;
  button.setAttribute("aria-busy", "true");
  if (!mayBeFetched(src)) {
    await pointerIsUp();
    button.replaceWith(el("span", {}, message("markdown_image_not_public", alt)));
    return;
  }
  const image = el("img", { src, alt, referrerpolicy: "no-referrer" });
  const isLoaded = await new Promise((resolve) => {
    image.addEventListener("load", () => resolve(true));
    image.addEventListener("error", () => resolve(false));
  });
  await pointerIsUp();
  button.replaceWith(isLoaded ? image : el("span", {}, message("markdown_image_failed", alt)));
}
