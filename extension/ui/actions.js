/**
 * What the buttons inside an answer's Markdown do. One listener for all of them: the nodes around them come and go.
 */

import { el } from "./dom.js";

/** How long a button says that it has done its work. */
const CONFIRMATION_MS = 2000;

/**
 * @param {MouseEvent} event
 */
export function onMarkdownClick(event) {
  const button = /** @type {Element} */ (event.target).closest("button[data-action]");
  if (!(button instanceof HTMLButtonElement)) return;
  if (button.dataset.action === "copy-code") {
    const code = button.closest(".code")?.querySelector("code");
    copy(code?.textContent ?? "", button);
  } else if (button.dataset.action === "show-image") {
    showImage(button);
  }
}

/**
 * Copies text and says so in the button's place.
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
  const word = done ? "Copied" : "Copying failed";
  if (button.dataset.label !== undefined) {
    button.setAttribute("aria-label", word);
    button.title = word;
    button.classList.toggle("done", done);
  } else {
    button.textContent = word;
  }
  setTimeout(() => {
    if (button.dataset.label === undefined) {
      button.textContent = "Copy";
      return;
    }
    button.setAttribute("aria-label", button.dataset.label);
    button.title = button.dataset.label;
    button.classList.remove("done");
  }, CONFIRMATION_MS);
}

/** @param {HTMLButtonElement} button */
function showImage(button) {
  const image = el("img", { src: button.dataset.src, alt: button.dataset.alt, referrerpolicy: "no-referrer" });
  image.addEventListener("error", () => {
    image.replaceWith(el("span", {}, `[The image could not be loaded: ${button.dataset.alt}]`));
  });
  button.replaceWith(image);
}
