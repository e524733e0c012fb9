/**
 * Attachments on the screen: a chip for each, and a dialog that shows what one holds. Pages are untrusted: they are
 * text here and nothing else.
 */

import { hostOf } from "../../shared/address.js";
import { bytesOf, tooMuch } from "../../shared/picture.js";
import { text as message, plural } from "../../shared/text.js";
import { el, icon } from "../../ui/dom.js";
import { iconButton } from "../../ui/icon-button.js";
import { countUnseen, revealed } from "../../ui/revealed.js";
import { rowText, tokensText } from "../formats.js";
import { ask } from "../worker-link/ask.js";

/** @import {Attachment} from "../../shared/protocol.js" */
/** @import {MessageKey} from "../../shared/text.js" */

const ICONS = /** @type {const} */ ({ page: "page", selection: "selection", image: "image", text: "text" });
/** Of an image at a message, in pixels. */
const LARGEST = 160;
const SMALLEST = 40;
/** @type {Record<Attachment["kind"], {name: MessageKey, show: MessageKey}>} */
const KINDS = {
  page: { name: "attachments_page", show: "attachments_show_page" },
  selection: { name: "attachments_selection", show: "attachments_show_selection" },
  image: { name: "attachments_image", show: "attachments_show_image" },
  text: { name: "attachments_text", show: "attachments_show_text" },
};
/** Texts are shown in pieces of about so many characters, which are laid out only when they are seen. */
const PIECE = 20_000;

/**
 * @typedef {object} ChipOptions
 * @property {string} [conversation]  That it was sent in; else it is a draft.
 * @property {string} [content]  Where that is at hand.
 * @property {() => void} [onRemove]
 * @property {() => void} [onPutIn]  Puts its text into the message.
 */

/**
 * @param {Attachment} attachment
 * @param {ChipOptions} options
 * @returns {HTMLLIElement}
 */
function attachmentChip(attachment, { conversation, content, onRemove, onPutIn }) {
  const { kind, url, tokens, missing } = attachment;
  const title = revealed(attachment.title);
  const host = url ? hostOf(url) || url : "";
  const about = host || (kind === "text" ? message("attachments_pasted") : "");
  const size = `${about ? " · " : ""}${tokensText(tokens)}`;
  const part = missing ? message("attachments_part") : "";
  const name = title || message(KINDS[kind].name);
  const picture = el("span", { class: "chip-picture" }, icon(ICONS[kind]));
  if (conversation && kind === "image") giveSize(picture, attachment);
  const show = el(
    "button",
    {
      type: "button",
      class: "quiet chip-show",
      "aria-label": message(KINDS[kind].show, rowText([name, `${about}${size}`, part].filter(Boolean))),
      title: [name, url, missing].filter(Boolean).join("\n"),
      onclick: () => showAttachment(attachment, conversation),
    },
    picture,
    el("span", { class: "chip-title", dir: "auto" }, name),
    el("span", { class: "chip-details" }, el("span", {}, about), el("span", {}, size)),
    ...(part ? [el("span", { class: "chip-part" }, part)] : []),
  );
  const chip = el("li", { class: `chip ${kind}` }, show);
  if (onPutIn) chip.append(iconButton(message("attachments_put_in", name), ["insert"], onPutIn));
  if (onRemove) chip.append(iconButton(message("attachments_remove", name), ["close"], onRemove));
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
    if (whyNot(src)) return;
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
  const { kind, title, url, tokens, width, height, missing } = attachment;
  const name = revealed(title) || message(KINDS[kind].name);
  const body = el("div", { class: "attachment-body" });
  const close = iconButton(message("common_close"), ["close"], () => dialog.close());
  const facts = [message(KINDS[kind].name), width && height && `${width} × ${height}`, tokensText(tokens)]
    .filter(Boolean)
    .join(" · ");
  const dialog = el(
    "dialog",
    { class: "attachment-dialog", "aria-labelledby": "attachment-title" },
    el("div", { class: "attachment-top" }, el("h2", { id: "attachment-title", dir: "auto", title: name }, name), close),
    el(
      "div",
      {},
      el("p", { class: "attachment-facts" }, facts),
      ...(missing ? [el("p", { class: "attachment-missing" }, missing)] : []),
    ),
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
    const text = kind === "text" ? content : [title, url, missing].filter(Boolean).concat("", content).join("\n");
    if (kind === "image") body.append(imageView(content, title));
    else body.append(...textAsSent(text));
  } catch (error) {
    body.append(el("p", { class: "field-error", role: "alert" }, /** @type {Error} */ (error).message));
  }
}

/**
 * The text, and where it holds characters that are not seen and are sent all the same, a box that has them named.
 * @param {string} text
 */
function textAsSent(text) {
  const pre = el(
    "pre",
    { tabindex: 0, dir: "auto", "aria-label": message("attachments_text_as_sent") },
    ...pieces(text),
  );
  const count = countUnseen(text);
  if (count === 0) return [pre];
  const box = el("input", {
    type: "checkbox",
    onchange: () => pre.replaceChildren(...pieces(box.checked ? revealed(text) : text)),
  });
  const label = plural("attachments_reveal", count);
  return [el("label", { class: "attachment-unseen" }, box, label), pre];
}

/**
 * Why an image is not drawn; an older version, or a file that was imported, may have brought it.
 * @param {string} content  A `data:` URL.
 * @returns {string}  Empty where it is.
 */
function whyNot(content) {
  const bytes = /^data:image\/(?:png|jpeg|webp|gif);base64,/.test(content) && bytesOf(content);
  return bytes ? tooMuch(bytes) : message("attachments_no_image_format");
}

/** @param {string} content @param {string} title */
function imageView(content, title) {
  const reason = whyNot(content);
  return reason ? el("p", {}, message("attachments_image_not_shown", reason)) : el("img", { src: content, alt: title });
}

/**
 * A text in parts that end with a line, where that is possible.
 * @param {string} text
 */
function* pieces(text) {
  for (let from = 0; from < text.length; ) {
    const line = text.indexOf("\n", from + PIECE);
    const to = line < 0 ? text.length : Math.min(line + 1, from + 2 * PIECE);
    yield el("span", { class: "piece" }, text.slice(from, to));
    from = to;
  }
}

/** The chips of several attachments. They are drawn only when they are others. */
export class AttachmentList {
  #drawn = "";

  /** @param {HTMLElement} [root] */
  constructor(root = el("ul", { class: "chips", "aria-label": message("attachments_label") })) {
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
