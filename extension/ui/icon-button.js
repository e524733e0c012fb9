import { el, icon } from "./dom.js";

/**
 * A button that shows a picture and has a name.
 * @param {string} label
 * @param {Parameters<typeof icon>[0][]} pictures
 * @param {() => void} act
 */
export function iconButton(label, pictures, act) {
  const attributes = { type: "button", class: "quiet icon-only", "aria-label": label, title: label, onclick: act };
  return el("button", attributes, ...pictures.map(icon));
}
