/** Gauges on the page: above the composer, and as lines of the usage dialog. */

import { el } from "../../ui/dom.js";

/** From this percentage on, a bar is coloured, and the tightest limit is shown above the composer. */
export const HIGH = 75;
const FULL = 95;

/**
 * @param {HTMLElement} place
 * @param {string} label
 * @param {[text: string, unit?: string]} short  What is seen; the unit only where there is room.
 * @param {string} long
 * @param {number | undefined} percent  Without one there is no bar.
 */
export function drawGauge(place, label, short, long, percent) {
  place.title = `${label}: ${long}`;
  const drawn = JSON.stringify([label, short, long, percent]);
  if (place.dataset.drawn === drawn) return;
  place.dataset.drawn = drawn;
  const [text, unit] = short;
  place.replaceChildren(
    percent === undefined ? "" : bar(label, percent, long),
    el("span", {}, text, unit && el("span", { class: "unit" }, unit)),
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
 * @param {string} [more]  For assistive technology, which may read the bar alone.
 */
export function gaugeLine(label, text, percent, more = "") {
  const line = el("p", {}, el("span", {}, label), el("span", {}, text));
  const spoken = [text, more].filter(Boolean).join(" ");
  return el("div", { class: "gauge-line" }, line, percent === undefined ? null : bar(label, percent, spoken));
}
