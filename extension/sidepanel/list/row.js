/** One conversation in the list. */

import { text } from "../../shared/text.js";
import { el, icon } from "../../ui/dom.js";
import { dateTimeText, timeText } from "../formats.js";

/** @import {ConversationSummary} from "../../shared/protocol.js" */

/**
 * @typedef {object} RowActions
 * @property {(conversation: ConversationSummary) => void} open
 * @property {(conversation: ConversationSummary) => void} rename
 * @property {(conversation: ConversationSummary) => void} export
 * @property {(conversation: ConversationSummary) => void} delete
 * @property {() => void} onFocus
 */

/**
 * A row. If the summary cannot be shown, the row says so, and the other rows are not affected.
 * @param {ConversationSummary} conversation
 * @param {boolean} isShown  It is the conversation in the panel.
 * @param {RowActions} actions
 */
export function createRow(conversation, isShown, actions) {
  try {
    return build(conversation, isShown, actions);
  } catch (error) {
    console.error("A row of the list cannot be drawn:", error);
    const { id } = conversation;
    const title = text("list_damaged");
    return build({ id, title, created_at: 0, updated_at: 0, turns: 1 }, isShown, actions);
  }
}

/** @param {Element} row */
export function focusRow(row) {
  /** @type {HTMLElement | null} */ (row.querySelector(".open"))?.focus();
}

/**
 * The box in which the title is written.
 * @param {string} title
 * @param {{onInput: (title: string) => void, onSubmit: (title: string) => void, onCancel: () => void}} links
 */
export function createTitleForm(title, { onInput, onSubmit, onCancel }) {
  const box = el("input", {
    "aria-label": text("list_rename_box"),
    dir: "auto",
    value: title,
    autocomplete: "off",
    maxlength: 200,
  });
  box.addEventListener("input", () => onInput(box.value));
  const form = el("form", {}, box);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    onSubmit(box.value);
  });
  box.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    onCancel();
  });
  return { form, box };
}

/**
 * @param {ConversationSummary} conversation
 * @param {boolean} isShown
 * @param {RowActions} actions
 */
function build(conversation, isShown, actions) {
  const { title, updated_at, unfinished, draft, snippet } = conversation;
  const time = new Date(updated_at);
  return el(
    "li",
    { class: "entry", "aria-current": isShown && "true", onfocusin: actions.onFocus },
    el(
      "button",
      { type: "button", class: "open", tabindex: -1, onclick: () => actions.open(conversation) },
      el("span", { class: "title", dir: "auto" }, title || text("list_untitled")),
      el("time", { datetime: time.toISOString(), title: dateTimeText(time) }, timeText(updated_at, Date.now())),
      unfinished ? el("span", { class: "unfinished" }, text("list_in_progress")) : null,
      draft ? el("span", { class: "draft" }, text("list_draft")) : null,
      snippet &&
        el("span", { class: "snippet", dir: "auto" }, snippet.before, el("mark", {}, snippet.hit), snippet.after),
    ),
    el(
      "div",
      { class: "entry-actions" },
      button("pencil", text("list_rename"), () => actions.rename(conversation)),
      button("export", text("list_export"), () => actions.export(conversation)),
      button("delete", text("common_delete"), () => actions.delete(conversation)),
    ),
  );
}

/**
 * @param {Parameters<typeof icon>[0]} picture
 * @param {string} name
 * @param {() => void} act
 */
function button(picture, name, act) {
  const attributes = { type: "button", class: "quiet icon-only", "aria-label": name, title: name, tabindex: -1 };
  return el("button", { ...attributes, onclick: act }, icon(picture));
}
