/** Gauges on the page: above the composer, and as lines of the usage dialog. */

import { el } from "../../ui/dom.js";

/** From this percentage on, a bar is coloured, and the tightest limit is shown above the composer. */
export const HIGH = 75;
const FULL = 95;

/**
 * @param {HTMLElement} place
 * @param {string} label
 * @param {string} short  What is seen.
 * @param {string} long
 * @param {number | undefined} percent  Without one there is no bar.
 * @param {string} [shortest]  What is seen instead where there is little room.
 */
export function drawGauge(place, label, short, long, percent, shortest) {
  place.title = `${label}: ${long}`;
  const drawn = JSON.stringify([label, short, long, percent, shortest]);
  if (place.dataset.drawn === drawn) return;
  place.dataset.drawn = drawn;
  place.replaceChildren(
    percent === undefined ? "" : bar(label, percent, long),
    el("span", { class: shortest && "roomy" }, short),
    shortest ? el("span", { class: "narrow" }, shortest) : "",
  );
}

/**
 * @param {string} label
 * @param {number} percent
 * @param {string} text
 */
function bar(label, percent, text) {
  const filled = el("span", {});
  filled.style.inlineSize = percent > 0 ? `max(2px, ${Math.min(percent, 100)}%)` : "0";
  return el(
    "div",
    {
      class: percent >= FULL ? "bar full" : percent >= HIGH ? "bar high" : "bar",
      role: "meter",
      "aria-label": label,
      "aria-valuemin": 0,
      "aria-valuemax": 100,
      "aria-valuenow": Math.min(Math.floor(percent), 100),
      "aria-valuetext": text,
    },
    filled,
  );
}

/**
 * @param {string} label
 * @param {string} text
 * @param {number} [percent]
 * @param {string} [spoken]  For assistive technology, which may read the bar alone.
 */
export function gaugeLine(label, text, percent, spoken = text) {
  const line = el("p", {}, el("span", {}, label), el("span", {}, text));
  return el("div", { class: "gauge-line" }, line, percent === undefined ? null : bar(label, percent, spoken));
}
