/**
 * Attachments on the screen: a chip for each, and a dialog that shows what one holds. Pages are strangers' words: they are text here and
 * nothing else.
 */

import { el, icon } from "../ui/dom.js";
import { ask } from "./ask.js";
import { iconButton } from "./icon-button.js";
import { hostOf, tokensText } from "./words.js";

/** @import {Attachment} from "../protocol.js" */

const ICONS = /** @type {const} */ ({ page: "page", selection: "selection", image: "image" });
/** Of an image at a message, in pixels. */
const LARGEST = 160;
const SMALLEST = 40;
const KINDS = { page: "Page", selection: "Selection", image: "Image" };

/**
 * @typedef {object} ChipOptions
 * @property {string} [conversation]  That it was sent in; else it is a draft.
 * @property {string} [content]  Where that is at hand.
 * @property {() => void} [onRemove]
 */

/**
 * @param {Attachment} attachment
 * @param {ChipOptions} options
 * @returns {HTMLLIElement}
 */
function attachmentChip(attachment, { conversation, content, onRemove }) {
  const { kind, title, url, tokens } = attachment;
  const host = url ? hostOf(url) : "";
  const size = `${host ? " · " : ""}${tokensText(tokens)}`;
  const name = title || KINDS[kind];
  const picture = el("span", { class: "chip-picture" }, icon(ICONS[kind]));
  if (conversation && kind === "image") giveSize(picture, attachment);
  const show = el(
    "button",
    {
      type: "button",
      class: "quiet chip-show",
      "aria-label": `Show ${KINDS[kind].toLowerCase()}: ${name}, ${host}${size}`,
      title: url ? `${name}\n${url}` : name,
      onclick: () => showAttachment(attachment, conversation),
    },
    picture,
    el("span", { class: "chip-title", dir: "auto" }, name),
    el("span", { class: "chip-details" }, el("span", {}, host), el("span", {}, size)),
  );
  const chip = el("li", { class: `chip ${kind}` }, show);
  if (onRemove) chip.append(iconButton(`Remove ${name}`, ["close"], onRemove));
  if (kind === "image") whenSeen(chip, () => fillPicture(picture, attachment, conversation, content));
  return chip;
}

/**
 * The room that an image takes is there before it is.
 * @param {HTMLElement} picture
 * @param {Attachment} attachment
 */
function giveSize(picture, { width = LARGEST, height = LARGEST }) {
  const scale = Math.min(LARGEST / width, LARGEST / height, 1);
  // Of a very long one the middle is shown.
  picture.style.width = `${Math.max(width * scale, SMALLEST)}px`;
  picture.style.height = `${Math.max(height * scale, SMALLEST)}px`;
}

/**
 * @param {HTMLElement} picture
 * @param {Attachment} attachment
 * @param {string} [conversation]
 * @param {string} [content]
 */
async function fillPicture(picture, { id }, conversation, content) {
  try {
    const src = content ?? (await load(id, conversation));
    picture.textContent = "";
    picture.append(el("img", { src, alt: "", decoding: "async" }));
  } catch {
    // The icon stays; the dialog says what is wrong.
  }
}

/**
 * A long conversation does not load images that nobody looks at.
 * @param {Element} element
 * @param {() => void} act
 */
function whenSeen(element, act) {
  const observer = new IntersectionObserver((entries) => {
    if (!entries.some(({ isIntersecting }) => isIntersecting)) return;
    observer.disconnect();
    act();
  });
  observer.observe(element);
}

/** @param {string} id @param {string} [conversation] @returns {Promise<string>} */
async function load(id, conversation) {
  const { content = "" } = await ask({ type: "LoadAttachment", id, ...(conversation ? { conversation } : {}) });
  return content;
}

/**
 * Shows what is sent of an attachment.
 * @param {Attachment} attachment
 * @param {string} [conversation]
 */
async function showAttachment(attachment, conversation) {
  const { kind, title, url, tokens, width, height } = attachment;
  const body = el("div", { class: "attachment-body" });
  const close = iconButton("Close", ["close"], () => dialog.close());
  const facts = [KINDS[kind], width && height && `${width} × ${height}`, tokensText(tokens)]
    .filter(Boolean)
    .join(" · ");
  const dialog = el(
    "dialog",
    { class: "attachment-dialog", "aria-labelledby": "attachment-title" },
    el(
      "div",
      { class: "attachment-top" },
      el("h2", { id: "attachment-title", dir: "auto", title }, title || KINDS[kind]),
      close,
    ),
    el("p", { class: "attachment-facts" }, facts),
    body,
  );
  dialog.addEventListener("keydown", (event) => {
    // What runs in the panel behind is not meant.
    if (event.key === "Escape") event.stopPropagation();
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  try {
    const content = await load(attachment.id, conversation);
    // As `session/attachments.py` puts it together.
    const text = [title, url].filter(Boolean).concat("", content).join("\n");
    body.append(
      kind === "image"
        ? el("img", { src: content, alt: title })
        : el("pre", { tabindex: 0, dir: "auto", "aria-label": "Text as it is sent" }, text),
    );
  } catch (error) {
    body.append(el("p", { class: "field-error", role: "alert" }, /** @type {Error} */ (error).message));
  }
}

/** The chips of several attachments. They are drawn only when they are others. */
export class AttachmentList {
  #drawn = "";

  /** @param {HTMLElement} [root] */
  constructor(root = el("ul", { class: "chips", "aria-label": "Attachments" })) {
    this.root = root;
  }

  /**
   * @param {Attachment[]} attachments
   * @param {(attachment: Attachment) => ChipOptions} options
   * @param {boolean} [canRemove]  Whether the options say how to remove them.
   */
  update(attachments, options, canRemove = false) {
    const drawn = [canRemove, ...attachments.map(({ id }) => id)].join(" ");
    if (this.#drawn === drawn) return;
    this.#drawn = drawn;
    this.root.textContent = "";
    this.root.append(...attachments.map((attachment) => attachmentChip(attachment, options(attachment))));
    this.root.hidden = attachments.length === 0;
  }
}
