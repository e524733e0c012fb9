/**
 * What a call of a tool or a run of code has to show beside its texts. It is untrusted, and shown as pictures, as files
 * to be saved and as elements of a few kinds.
 */

import { bytesOf, tooMuch } from "../../shared/picture.js";
import { cleanSvg } from "../../shared/svg.js";
import { text as message } from "../../shared/text.js";
import { el } from "../../ui/dom.js";
import { save } from "../../ui/save.js";
import { fileSize } from "../formats.js";

/** @import { Figure, RunFile, Shown } from "../../shared/protocol.js" */

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
export function artifactViews({ figures = [], files = [] }, description) {
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
      { class: "run-html table", role: "group", "aria-label": message("table_label"), tabindex: "0" },
      ...build(shown.nodes),
    );
  }
  const name = message("tool_figure", index + 1);
  if (shown.type === "svg") {
    // Cleaned when it came, and again here: an older version has stored it as it was.
    const svg = cleanSvg(shown.text);
    const cannot = message("tool_figure_no_svg", name);
    if (!svg) return notice(cannot);
    const src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg.toWellFormed())}`;
    return el("div", { class: "run-figure" }, picture(src, description || name, cannot));
  }
  const { type, base64 } = shown;
  const file = `figure-${index + 1}.${type === "jpeg" ? "jpg" : type}`;
  const button = el(
    "button",
    { type: "button", class: "quiet", onclick: () => saveBytes(file, base64) },
    message("tool_save_image"),
  );
  const bytes = bytesOf(base64);
  const cannot = message("tool_figure_invalid", name, type.toUpperCase());
  const reason = bytes ? tooMuch(bytes) : "";
  if (!bytes) return notice(cannot);
  const view = reason
    ? notice(message("tool_figure_too_large", name, reason))
    : picture(`data:image/${type};base64,${base64}`, description || name, cannot);
  return el("div", { class: "run-figure" }, view, button);
}

/**
 * @param {string} src
 * @param {string} alt
 * @param {string} cannot  Shown in its place when it is none.
 */
function picture(src, alt, cannot) {
  const image = el("img", { src, alt });
  image.addEventListener("error", () => image.replaceWith(notice(cannot)));
  return image;
}

/** @param {string} text */
function notice(text) {
  return el("p", { class: "run-title" }, text);
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
    if (base64 === undefined) return el("li", {}, message("tool_file_too_large", shown, fileSize(size)));
    const label = message("tool_file_save", shown, fileSize(size));
    return el("li", {}, el("button", { type: "button", onclick: () => saveBytes(shown, base64) }, label));
  });
  return el("ul", { class: "run-files", "aria-label": message("tool_files_written") }, ...items);
}

/**
 * @param {string} name
 * @param {string} base64
 */
function saveBytes(name, base64) {
  save(name.split("/").at(-1) ?? "", new Blob([bytesOf(base64) ?? ""]));
}
