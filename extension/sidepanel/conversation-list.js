/**
 * The list of conversations: search, open, rename, export, delete, import, and the room they take. Rows are drawn page by
 * page as the reader comes to them.
 */

import { byId, el, icon } from "../ui/dom.js";
import { ask } from "./ask.js";
import { storageText, timeText } from "./words.js";

/** @import {ConversationSummary} from "../protocol.js" */
/** @import {Answer} from "./ask.js" */

/** @typedef {{label: string, act: () => unknown}} Choice */

const PAGE = 50;
const SEARCH_DELAY_MS = 100;
const DAY_MS = 86_400_000;

export class ConversationList {
  /** @type {HTMLDialogElement} */
  #dialog = byId("conversations");
  /** @type {HTMLInputElement} */
  #search = byId("search");
  #list = byId("conversation-list");
  /** @type {HTMLInputElement} */
  #file = byId("import-file");
  /** @type {() => string} */
  #shown;
  /** @type {(id: string) => void} */
  #onOpen;
  /** What was deleted last. @type {{id: string, title: string, isShown: boolean, until: number} | null} */
  #deleted = null;
  /** How many rows there are to draw in all. */
  #total = 0;
  /** Counts the searches: what comes back late is left alone. */
  #searches = 0;
  #loading = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #searchTimer;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #noticeTimer;

  /**
   * @param {object} links
   * @param {() => string} links.shown  The id of the conversation in the panel.
   * @param {(id: string) => void} links.onOpen
   */
  constructor({ shown, onOpen }) {
    this.#shown = shown;
    this.#onOpen = onOpen;
    byId("close-list").addEventListener("click", () => this.#dialog.close());
    byId("export-all").addEventListener("click", () => this.#chooseFormat("Export all conversations as"));
    byId("import").addEventListener("click", () => this.#file.click());
    byId("free-space").addEventListener("click", () => this.#chooseAge());
    this.#file.addEventListener("change", () => this.#guard(() => this.#import()));
    this.#search.addEventListener("input", () => {
      clearTimeout(this.#searchTimer);
      this.#searchTimer = setTimeout(() => this.#guard(() => this.#load()), SEARCH_DELAY_MS);
    });
    byId("list-scroller").addEventListener("scroll", () => this.#loadMore(), { passive: true });
    this.#dialog.addEventListener("keydown", (event) => this.#onKey(event));
    this.#dialog.addEventListener("close", () => this.#hideNotice());
  }

  /** Shows the list in the panel's place. When it closes, the focus returns to where it was. */
  show() {
    if (this.#dialog.open) return;
    this.#search.value = "";
    this.#list.replaceChildren();
    this.#dialog.showModal();
    this.#search.focus();
    this.#offerUndo();
    this.#guard(() => this.#load());
  }

  // --- rows ---------------------------------------------------------------------------------------------------------

  /** Searches anew. The rows stay until the new ones are there. */
  async #load() {
    this.#searches += 1;
    const count = this.#searches;
    const query = this.#search.value;
    const { conversations = [], total = 0 } = await ask({ type: "ListConversations", query, limit: PAGE });
    if (count !== this.#searches) return;
    this.#total = total;
    this.#list.replaceChildren(...conversations.map((conversation) => this.#row(conversation)));
    byId("list-scroller").scrollTop = 0;
    this.#afterChange();
    this.#measure();
  }

  /** The next page, when the end of the rows comes near. */
  #loadMore() {
    const { scrollHeight, scrollTop, clientHeight } = byId("list-scroller");
    if (this.#loading || scrollHeight - scrollTop > 3 * clientHeight) return;
    const offset = this.#list.children.length;
    if (offset >= this.#total) return;
    this.#loading = true;
    const count = this.#searches;
    this.#guard(async () => {
      try {
        const query = this.#search.value;
        const { conversations = [] } = await ask({ type: "ListConversations", query, offset, limit: PAGE });
        if (count !== this.#searches || offset !== this.#list.children.length) return;
        this.#list.append(...conversations.map((conversation) => this.#row(conversation)));
        this.#afterChange();
      } finally {
        this.#loading = false;
      }
    });
  }

  /** One row is in the order of the Tab key; the arrows go to the others. */
  #afterChange() {
    if (!this.#list.querySelector("[tabindex='0']")) this.#setActive(this.#list.children[0]);
    const nothing = this.#search.value.trim() ? "No conversation has these words." : "No conversations yet.";
    byId("list-note").textContent = this.#list.children.length > 0 ? "" : nothing;
  }

  /** @param {ConversationSummary} conversation */
  #row(conversation) {
    const { id, title, updated_at, unfinished, snippet } = conversation;
    const time = new Date(updated_at);
    const row = el(
      "li",
      { class: "entry", "aria-current": id === this.#shown() && "true", onfocusin: () => this.#setActive(row) },
      el(
        "button",
        { type: "button", class: "open", tabindex: -1, onclick: () => this.#open(id) },
        el("span", { class: "title" }, title || "Untitled"),
        el("time", { datetime: time.toISOString(), title: time.toLocaleString() }, timeText(updated_at, Date.now())),
        unfinished ? el("span", { class: "unfinished" }, "In progress") : null,
        snippet && el("span", { class: "snippet" }, snippet.before, el("mark", {}, snippet.hit), snippet.after),
      ),
      el(
        "div",
        { class: "entry-actions" },
        action("pencil", "Rename", () => this.#rename(row, conversation)),
        action("export", "Export", () => this.#chooseFormat(`Export “${title}” as`, [id])),
        action("delete", "Delete", () => this.#guard(() => this.#delete(row, conversation))),
      ),
    );
    return row;
  }

  /** @param {Element | undefined} row */
  #setActive(row) {
    for (const button of this.#list.querySelectorAll("[tabindex='0']")) button.setAttribute("tabindex", "-1");
    for (const button of row?.querySelectorAll("button") ?? []) button.setAttribute("tabindex", "0");
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    const target = /** @type {HTMLElement} */ (event.target);
    if (event.isComposing) return;
    if (event.key === "Escape") {
      // What runs in the panel behind is not meant.
      event.stopPropagation();
      if (byId("notice-actions").contains(target)) {
        event.preventDefault();
        this.#hideNotice();
        this.#search.focus();
      }
      return;
    }
    const rows = [...this.#list.children];
    const at = rows.indexOf(/** @type {Element} */ (target.closest("li.entry")));
    if (target instanceof HTMLInputElement && target !== this.#search) return;
    const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 }[event.key];
    const inSearch = target === this.#search;
    if (next === undefined || (inSearch ? event.key !== "ArrowDown" : at < 0)) return;
    event.preventDefault();
    if (next < 0) this.#search.focus();
    else focusRow(rows[Math.min(next, rows.length - 1)]);
  }

  /** @param {string} id */
  #open(id) {
    this.#onOpen(id);
    this.#dialog.close();
  }

  // --- what a row's buttons do ----------------------------------------------------------------------------------------

  /** @param {HTMLElement} row @param {ConversationSummary} conversation */
  #rename(row, conversation) {
    const box = el("input", { "aria-label": "Title", value: conversation.title, autocomplete: "off", maxlength: 200 });
    /** @param {ConversationSummary} fresh @param {boolean} focus */
    const finish = (fresh, focus) => {
      if (!form.isConnected) return;
      const next = this.#row(fresh);
      row.replaceWith(next);
      this.#setActive(next);
      if (focus) focusRow(next);
    };
    const form = el("form", {}, box);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#guard(async () => {
        await ask({ type: "RenameConversation", id: conversation.id, title: box.value });
        if (box.value.trim()) finish({ ...conversation, title: box.value.trim() }, true);
        else await this.#load();
      });
    });
    box.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.preventDefault();
      event.stopPropagation();
      finish(conversation, true);
    });
    row.replaceChildren(form);
    box.select();
  }

  /** @param {HTMLElement} row @param {ConversationSummary} conversation */
  async #delete(row, { id, title }) {
    const isShown = id === this.#shown();
    const { undo_until = 0 } = await ask({ type: "DeleteConversation", id });
    const neighbour = row.nextElementSibling ?? row.previousElementSibling;
    row.remove();
    this.#total -= 1;
    this.#afterChange();
    if (neighbour) focusRow(neighbour);
    else this.#search.focus();
    this.#deleted = { id, title, isShown, until: undo_until };
    this.#offerUndo();
    this.#loadMore();
    this.#measure();
  }

  /** As long as it can be done, also when the list was closed meanwhile. */
  #offerUndo() {
    if (!this.#deleted || this.#deleted.until <= Date.now()) return;
    const { id, title, isShown, until } = this.#deleted;
    const undo = async () => {
      await ask({ type: "UndoDelete", id });
      this.#deleted = null;
      if (isShown) this.#onOpen(id);
      await this.#load();
      this.#search.focus();
    };
    this.#say(`Deleted “${title}”.`, [{ label: "Undo", act: undo }], until - Date.now());
  }

  // --- files ------------------------------------------------------------------------------------------------------------

  /** @param {string} question @param {string[]} [ids]  Without: all. */
  #chooseFormat(question, ids) {
    this.#choose(question, [
      { label: "JSON", act: () => this.#export("json", ids) },
      { label: "Markdown", act: () => this.#export("markdown", ids) },
    ]);
  }

  /** @param {"json" | "markdown"} format @param {string[]} [ids] */
  async #export(format, ids) {
    /** @type {number | undefined} */
    let from = 0;
    let count = 0;
    while (from !== undefined) {
      /** @type {Answer} */
      const { files = [], next } = await ask({ type: "ExportConversations", format, ids, from });
      for (const { name, text } of files) download(name, text, format);
      count += files.length;
      from = next;
    }
    this.#say(count === 1 ? "Exported." : `Exported as ${count} files.`);
  }

  async #import() {
    const files = [...(this.#file.files ?? [])];
    let imported = 0;
    let skipped = 0;
    try {
      for (const file of files) {
        const answer = await ask({ type: "ImportConversations", text: await file.text() });
        imported += answer.imported ?? 0;
        skipped += answer.skipped ?? 0;
      }
    } finally {
      // The same file can be chosen again.
      this.#file.value = "";
      await this.#load();
    }
    this.#say(
      `Imported ${conversationsText(imported)}.${skipped ? ` ${conversationsText(skipped)} already here.` : ""}`,
    );
  }

  // --- room -------------------------------------------------------------------------------------------------------------

  #measure() {
    this.#guard(async () => {
      const { storage } = await ask({ type: "StorageUse" });
      byId("storage").textContent = storage ? storageText(storage) : "";
    });
  }

  #chooseAge() {
    this.#choose(
      "Delete conversations not used for",
      [90, 30].map((days) => ({ label: `${days} days`, act: () => this.#confirm(days) })),
    );
  }

  /** @param {number} days */
  #confirm(days) {
    this.#choose(`Delete everything not used for ${days} days? This cannot be undone.`, [
      {
        label: "Delete",
        act: async () => {
          const { deleted = 0 } = await ask({ type: "FreeStorage", older_than: Date.now() - days * DAY_MS });
          await this.#load();
          this.#say(`Deleted ${conversationsText(deleted)}.`);
        },
      },
    ]);
  }

  // --- the line above the footer ------------------------------------------------------------------------------------------

  /**
   * Asks something, with the focus on the first answer.
   * @param {string} question
   * @param {Choice[]} choices
   */
  #choose(question, choices) {
    const asker = /** @type {HTMLElement | null} */ (document.activeElement);
    const back = () => (asker?.isConnected && asker !== document.body ? asker : this.#search).focus();
    const answers = choices.map(({ label, act }) => ({
      label,
      act: () => {
        back();
        return act();
      },
    }));
    this.#say(question, [...answers, { label: "Cancel", act: back }]);
    byId("notice-actions").querySelector("button")?.focus();
  }

  /**
   * @param {string} text
   * @param {Choice[]} [choices]  Each of them takes the line away.
   * @param {number} [forMs]  How long it stays.
   */
  #say(text, choices = [{ label: "OK", act: () => this.#search.focus() }], forMs) {
    clearTimeout(this.#noticeTimer);
    byId("notice-actions").replaceChildren(
      ...choices.map(({ label, act }) =>
        el(
          "button",
          {
            type: "button",
            onclick: () => {
              this.#hideNotice();
              this.#guard(async () => act());
            },
          },
          label,
        ),
      ),
    );
    byId("notice").hidden = false;
    byId("notice-text").textContent = text;
    if (forMs !== undefined) this.#noticeTimer = setTimeout(() => this.#hideNotice(), forMs);
  }

  #hideNotice() {
    clearTimeout(this.#noticeTimer);
    byId("notice").hidden = true;
    byId("notice-text").textContent = "";
  }

  /**
   * Says what went wrong, where something did.
   * @param {() => Promise<unknown>} work
   */
  async #guard(work) {
    try {
      await work();
    } catch (error) {
      this.#say(error instanceof Error ? error.message : String(error));
    }
  }
}

/** @param {Element} row */
function focusRow(row) {
  /** @type {HTMLElement | null} */ (row.querySelector(".open"))?.focus();
}

/**
 * @param {Parameters<typeof icon>[0]} picture
 * @param {string} name
 * @param {() => void} act
 */
function action(picture, name, act) {
  const attributes = { type: "button", class: "quiet icon-only", "aria-label": name, title: name, tabindex: -1 };
  return el("button", { ...attributes, onclick: act }, icon(picture));
}

/** @param {number} count */
function conversationsText(count) {
  return count === 1 ? "1 conversation" : `${count} conversations`;
}

/**
 * @param {string} name
 * @param {string} text
 * @param {"json" | "markdown"} format
 */
function download(name, text, format) {
  const type = format === "json" ? "application/json" : "text/markdown";
  const address = URL.createObjectURL(new Blob([text], { type }));
  el("a", { href: address, download: name }).click();
  // Not at once: the download has yet to begin.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
