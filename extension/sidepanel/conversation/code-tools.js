/** The buttons of a code block: long lines wrapped or not, for all blocks and from then on, and the code as a file. */

import { fileNameFor } from "../../shared/languages.js";
import { text as message } from "../../shared/text.js";
import { el, icon } from "../../ui/dom.js";
import { save } from "../../ui/save.js";

/** The key in `localStorage`, which notifies other panels. */
const KEPT = "wrap-code";

/**
 * Gives a finished block its buttons.
 * @param {HTMLElement} code
 */
export function offerTools(code) {
  const copy = code.closest(".code")?.querySelector(".code-head > [data-action='copy-code']");
  if (!copy || copy.parentElement?.querySelector("[data-action='wrap-code']")) return;
  const label = message("code_wrap");
  const wrap = el(
    "button",
    { type: "button", class: "quiet icon-only", "data-action": "wrap-code", "aria-label": label, title: label },
    icon("wrap"),
  );
  const download = el(
    "button",
    {
      type: "button",
      class: "quiet icon-only",
      "data-action": "save-code",
      "aria-label": message("common_download"),
      title: message("common_download"),
    },
    icon("export"),
  );
  wrap.setAttribute("aria-pressed", String(isWrapped()));
  copy.before(wrap, download);
}

/** @param {HTMLElement} code */
export function saveCode(code) {
  const text = code.textContent ?? "";
  const { language = "", file } = code.dataset;
  const before = code.closest(".code")?.previousElementSibling;
  const name = fileNameFor({ language, text, ...(file ? { file } : {}), before: before ? namedIn(before) : "" });
  // As plain text, a Dockerfile would be given an ending.
  save(name, new Blob([text.endsWith("\n") ? text : `${text}\n`], { type: "application/octet-stream" }));
}

/**
 * What the line above a block may call it: all of its text, or what is set as code at its end. "Unlike `a.json`, this
 * is:" names nothing.
 * @param {Element} element
 */
function namedIn(element) {
  const text = element.textContent ?? "";
  if (text.length > 200 || !/^(?:P|H\d)$/.test(element.tagName)) return "";
  const name = [...element.querySelectorAll("code")].at(-1)?.textContent ?? "";
  return name && text.replace(/[)\s:：]+$/, "").endsWith(name) ? name : text;
}

function isWrapped() {
  return document.documentElement.classList.contains(KEPT);
}

/** @param {boolean} wrapped */
function showWrapped(wrapped) {
  document.documentElement.classList.toggle(KEPT, wrapped);
  for (const button of document.querySelectorAll("[data-action='wrap-code']")) {
    button.setAttribute("aria-pressed", String(wrapped));
  }
}

/**
 * Turns the wrapping of long lines on or off. The button stays where it is on the screen.
 * @param {HTMLElement} button
 */
export function toggleWrap(button) {
  const scroller = button.closest("#stage");
  const top = button.getBoundingClientRect().top;
  const wrapped = !isWrapped();
  showWrapped(wrapped);
  if (wrapped) localStorage.setItem(KEPT, "on");
  else localStorage.removeItem(KEPT);
  if (scroller) scroller.scrollTop += button.getBoundingClientRect().top - top;
}

/** Shows code as it was shown last, and as other panels show it from now on. */
export function rememberWrap() {
  showWrapped(localStorage.getItem(KEPT) !== null);
  addEventListener("storage", ({ key }) => key === KEPT && showWrapped(localStorage.getItem(KEPT) !== null));
}
