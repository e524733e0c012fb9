/**
 * The message("diagram_draw") button on Mermaid's code, and the picture below the code. It is drawn in the sandbox, and shown as
 * an image: there, SVG runs no script and loads nothing.
 */

import { text as message } from "../../shared/text.js";
import { el } from "../../ui/dom.js";
import { save } from "../../ui/save.js";
import { ask } from "../worker-link/ask.js";

/** @import { Diagram } from "../../shared/protocol.js" */

const MERMAID = /^(?:mermaid|mmd)$/i;
/** So many pictures outlive the drawing of their answer. */
const MOST_KEPT = 20;
/** A picture as PNG has so many pixels for one of CSS, and at most so many a side. */
const PNG_SCALE = 2;
const LARGEST_PNG = 8_000;
const ZOOM = 1.4;

/** @typedef {Extract<Diagram, {svg: string}> & {dark: boolean}} Picture */

/** Those whose picture is in view, to be drawn anew in other colours. @type {Set<DiagramView>} */
const shown = new Set();
/** @type {MediaQueryList | undefined} */
let scheme;

function isDark() {
  if (!scheme) {
    scheme = matchMedia("(prefers-color-scheme: dark)");
    scheme.addEventListener("change", () => {
      for (const view of shown) view.recolour();
    });
  }
  return scheme.matches;
}

/** By the code that they are drawn of, the latest at the end. @type {Map<string, Picture>} */
const kept = new Map();

/**
 * Gives a finished block of Mermaid's code its button.
 * @param {HTMLElement} code
 */
export function offerDiagram(code) {
  const block = code.closest(".code");
  if (!block || block.querySelector(".draw") || !MERMAID.test(code.dataset.language ?? "")) return;
  new DiagramView(code, /** @type {HTMLElement} */ (block));
}

class DiagramView {
  #code;
  #button = el(
    "button",
    { type: "button", class: "quiet draw", onclick: () => this.#press() },
    message("diagram_draw"),
  );
  #root = el("div", {
    class: "diagram",
    role: "group",
    "aria-label": message("diagram_label"),
    "aria-live": "polite",
    hidden: true,
  });

  /**
   * @param {HTMLElement} code
   * @param {HTMLElement} block
   */
  constructor(code, block) {
    this.#code = code;
    block.querySelector(".code-head button")?.before(this.#button);
    block.append(this.#root);
    const picture = kept.get(this.#source);
    if (!picture) return;
    this.#show(picture);
    if (picture.dark !== isDark()) this.#draw();
  }

  get #source() {
    return this.#code.textContent ?? "";
  }

  #press() {
    if (!this.#root.hidden && this.#root.querySelector("img")) {
      shown.delete(this);
      this.#root.hidden = true;
      this.#button.textContent = message("diagram_draw");
    } else {
      this.#draw();
    }
  }

  /** The browser's colours have changed. */
  recolour() {
    shown.delete(this);
    if (this.isOnThePage) this.#draw();
  }

  async #draw() {
    const source = this.#source;
    const dark = isDark();
    this.#button.disabled = true;
    if (this.#root.hidden || !this.#root.querySelector("img")) this.#say(message("diagram_drawing"));
    try {
      const { diagram } = await ask({ type: "DrawDiagram", source, dark });
      if (diagram && "svg" in diagram) this.#show(keep(source, { ...diagram, dark }));
      else this.#fail(diagram?.error, diagram?.details);
    } catch (error) {
      this.#fail(error instanceof Error && !error.message.includes("message channel") ? error.message : undefined);
    }
    this.#button.disabled = false;
  }

  /** @param {string} text */
  #say(text) {
    this.#root.hidden = false;
    this.#root.className = "diagram";
    this.#root.replaceChildren(el("p", { class: "run-title" }, text));
  }

  /**
   * @param {string} [error]
   * @param {string} [details]  Mermaid's words.
   */
  #fail(error = message("diagram_lost"), details) {
    shown.delete(this);
    this.#button.textContent = message("diagram_draw");
    this.#say(error);
    this.#root.classList.add("failed");
    if (details)
      this.#root.append(
        el("pre", { tabindex: "0", role: "group", "aria-label": message("diagram_mermaid_message") }, details),
      );
  }

  get isOnThePage() {
    return this.#root.isConnected;
  }

  /** @param {Picture} picture */
  #show(picture) {
    for (const view of shown) if (!view.isOnThePage) shown.delete(view);
    shown.add(this);
    this.#button.textContent = message("diagram_hide");
    this.#root.hidden = false;
    this.#root.className = `diagram ${picture.dark ? "dark" : "light"}`;
    const alt = describe(this.#source);
    const image = imageOf(picture, alt);
    image.addEventListener("error", () => this.#fail(message("diagram_invalid")));
    const large = el(
      "button",
      { type: "button", class: "quiet", onclick: () => enlarge(picture, alt) },
      message("diagram_larger"),
    );
    const svg = download("SVG", () => save("diagram.svg", svgFile(picture)));
    const png = download("PNG", () => savePng(picture));
    this.#root.replaceChildren(
      el("div", { class: "diagram-image" }, image),
      el("div", { class: "diagram-tools" }, large, svg, png),
    );
  }
}

/**
 * @param {string} kind
 * @param {() => void} act
 */
function download(kind, act) {
  const label = message("diagram_download", kind);
  return el("button", { type: "button", class: "quiet", "aria-label": label, title: label, onclick: act }, kind);
}

/**
 * @param {string} source
 * @param {Picture} picture
 */
function keep(source, picture) {
  kept.delete(source);
  kept.set(source, picture);
  for (const oldest of kept.keys()) {
    if (kept.size <= MOST_KEPT) break;
    kept.delete(oldest);
  }
  return picture;
}

/**
 * For whoever does not see it: what its author says of it, else its kind. The code stands above it.
 * @param {string} source
 */
export function describe(source) {
  const told = /^\s*(?:accDescr|accTitle|title)\s*:?\s+(\S.*)$/m.exec(source)?.[1]?.trim();
  const body = source.replace(/^---\n[\s\S]*?\n---\n/, "").replace(/%%.*$/gm, "");
  const kind = /^\s*([a-z]+)/i.exec(body)?.[1] ?? "";
  const label = kind ? message("diagram_of_kind", kind) : message("diagram_label");
  return told ? message("diagram_described", label, told.slice(0, 200)) : label;
}

/**
 * @param {Picture} picture
 * @param {string} alt
 */
function imageOf({ svg, width, height }, alt) {
  return el("img", {
    src: `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg.toWellFormed())}`,
    alt,
    width,
    height,
  });
}

/** @param {Picture} picture */
function svgFile({ svg }) {
  return new Blob([svg], { type: "image/svg+xml" });
}

/** @param {Picture} picture */
async function savePng(picture) {
  const { width, height, dark } = picture;
  const image = imageOf(picture, "");
  await image.decode();
  const scale = Math.min(PNG_SCALE, LARGEST_PNG / Math.max(width, height));
  const canvas = el("canvas", { width: Math.ceil(width * scale), height: Math.ceil(height * scale) });
  const context = canvas.getContext("2d");
  if (!context) return;
  context.fillStyle = dark ? "#12181a" : "#ffffff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  canvas.toBlob((blob) => blob && save("diagram.png", blob), "image/png");
}

/**
 * The picture over the whole panel, as large as the reader likes.
 * @param {Picture} picture
 * @param {string} alt
 */
function enlarge(picture, alt) {
  const image = imageOf(picture, alt);
  const area = el(
    "div",
    { class: "diagram-area", tabindex: "0", role: "group", "aria-label": message("diagram_label") },
    image,
  );
  const show = (/** @type {number} */ width) => {
    image.width = Math.min(Math.max(Math.round(width), 80), picture.width * 8);
    image.height = Math.round((image.width * picture.height) / picture.width);
  };
  const button = (/** @type {string} */ label, /** @type {() => void} */ act) =>
    el("button", { type: "button", class: "quiet", onclick: act }, label);
  const dialog = el(
    "dialog",
    { class: `cover diagram-dialog ${picture.dark ? "dark" : "light"}`, "aria-label": message("diagram_label") },
    el(
      "div",
      { class: "diagram-tools" },
      button(message("diagram_zoom_out"), () => show(image.width / ZOOM)),
      button(message("diagram_zoom_in"), () => show(image.width * ZOOM)),
      button(message("diagram_fit"), () => show(Math.min(picture.width, area.clientWidth - 24))),
      button(message("common_close"), () => dialog.close()),
    ),
    area,
  );
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  show(picture.width);
  area.focus();
}
