/**
 * Where the link leads that is under the pointer or has the keyboard, at the foot of the panel: the browser's own line
 * of that kind is not there in a side panel, and a tooltip does not come by keyboard. The host stands out, since it
 * says who answers.
 */

import { el } from "../../ui/dom.js";

const LONGEST = 200;

/**
 * To be called once.
 * @param {HTMLElement} area  That holds the links.
 */
export function showLinkTargets(area) {
  // Assistive technology reads the same from the link's own description.
  const bubble = el("div", { class: "link-target", "aria-hidden": "true", hidden: true });
  document.body.append(bubble);
  /** @param {Event} event */
  const show = ({ target }) => {
    const link = target instanceof Element ? target.closest("a[href]") : null;
    bubble.hidden = !(link instanceof HTMLAnchorElement);
    if (link instanceof HTMLAnchorElement) bubble.replaceChildren(...parts(link.href));
  };
  const hide = () => {
    bubble.hidden = true;
  };
  for (const type of ["pointerover", "focusin"]) area.addEventListener(type, show);
  for (const type of ["pointerleave", "focusout"]) area.addEventListener(type, hide);
  document.addEventListener("scroll", hide, { capture: true, passive: true });
}

/** @param {string} address */
function parts(address) {
  const url = new URL(address);
  const text = address.length > LONGEST ? `${address.slice(0, LONGEST)}…` : address;
  const at = url.host ? text.indexOf(url.host) : -1;
  if (at < 0) return [text];
  const end = at + url.host.length;
  return [text.slice(0, at), el("strong", {}, text.slice(at, end)), text.slice(end)];
}
