/**
 * What a call of a tool or a run of code has to show beside its texts. It is untrusted, and shown as pictures, as files to be saved and as
 * elements of a few kinds.
 */

import { el } from "../ui/dom.js";
import { fileSize } from "./python-words.js";

/** @import { Figure, RunFile, Shown } from "../protocol.js" */

/** Elements that a result may hold: those of tables and simple text. */
const TAGS = new Set(
  (
    "table caption thead tbody tfoot tr th td p div span br hr b strong i em u s code pre kbd sub sup small ul ol li dl dt dd blockquote " +
    "h1 h2 h3 h4 h5 h6"
  ).split(" "),
);

/**
 * @param {Pick<Shown, "figures" | "files">} shown
 * @param {string} [description]  Of what the figures show.
 * @returns {HTMLElement[]}
 */
export function shownParts({ figures = [], files = [] }, description) {
  const views = figures.map((shown, index) => figure(shown, index, description));
  return [...views, ...(files.length > 0 ? [fileList(files)] : [])];
}

/**
 * @param {Figure} shown
 * @param {number} index
 * @param {string} [description]
 * @returns {HTMLElement}
 */
function figure(shown, index, description) {
  if (shown.type === "html") {
    return el(
      "div",
      { class: "run-html table", role: "group", "aria-label": "Table", tabindex: "0" },
      ...build(shown.nodes),
    );
  }
  // As the source of an image, SVG runs no script and loads nothing.
  const src =
    shown.type === "svg"
      ? `data:image/svg+xml;charset=utf-8,${encodeURIComponent(shown.text.toWellFormed())}`
      : `data:image/${shown.type};base64,${shown.base64}`;
  const image = el("img", { src, alt: description || `Figure ${index + 1}` });
  image.addEventListener("error", () => {
    image.replaceWith(
      el(
        "p",
        { class: "run-title" },
        `Figure ${index + 1} cannot be shown: it is no valid ${shown.type.toUpperCase()}.`,
      ),
    );
  });
  if (shown.type === "svg") return el("div", { class: "run-figure" }, image);
  const { type, base64 } = shown;
  const name = `figure-${index + 1}.${type === "jpeg" ? "jpg" : type}`;
  const button = el("button", { type: "button", class: "quiet", onclick: () => save(name, base64) }, "Save image");
  return el("div", { class: "run-figure" }, image, button);
}

/**
 * @param {any[]} nodes
 * @returns {(Node | string)[]}
 */
export function build(nodes) {
  return nodes.flatMap((node) => {
    if (typeof node === "string") return [node];
    const [tag, spans, children] = node;
    const inside = build(children);
    return TAGS.has(tag) ? [el(tag, { colspan: spans.colspan, rowspan: spans.rowspan }, ...inside)] : inside;
  });
}

/** @param {RunFile[]} files */
function fileList(files) {
  const items = files.map(({ name, size, base64 }) => {
    const shown = name.replace(/^\.\//, "");
    const what = `${shown} (${fileSize(size)})`;
    if (base64 === undefined) return el("li", {}, `${what}, too large to be handed out`);
    return el("li", {}, el("button", { type: "button", onclick: () => save(shown, base64) }, `Save ${what}`));
  });
  return el("ul", { class: "run-files", "aria-label": "Files written" }, ...items);
}

/**
 * @param {string} name
 * @param {string} base64
 */
function save(name, base64) {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const href = URL.createObjectURL(new Blob([bytes]));
  el("a", { href, download: name.split("/").at(-1) }).click();
  setTimeout(() => URL.revokeObjectURL(href), 10_000);
}
