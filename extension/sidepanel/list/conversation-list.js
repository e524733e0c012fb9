/**
 * The list of conversations: search, open, rename, export, delete, import, and the room they take. Rows are drawn page by
 * page as the reader comes to them.
 */

import { byId, el, icon, setChildren } from "../../ui/dom.js";
import { isComposing } from "../../ui/keys.js";
import { revealed } from "../../ui/revealed.js";
import { save } from "../../ui/save.js";
import { timeText } from "../formats.js";
import { storageText } from "./list-labels.js";

/** @import {Brought, ConversationSummary, Place} from "../../shared/protocol.js" */
/** @import {Requests} from "../../shared/requests.js" */

/** @typedef {{label: string, act: () => unknown}} Choice */

const PAGE = 50;
/** Of what a search has found: each row shows a place, which has to be looked for. */
const FOUND_PAGE = 25;
const SEARCH_DELAY_MS = 100;
/** So often, a search is repeated that could not look through everything. */
const PENDING_MS = 1_000;
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
  /** @type {(id: string, hit?: {place: Place, query: string}) => void} */
  #onOpen;
  /** @type {(id: string) => void} */
  #onDelete;
  /** What was deleted last. @type {{id: string, title: string, isShown: boolean, until: number} | null} */
  #deleted = null;
  /** Titles that were typed and not saved, by their conversations. @type {Map<string, string>} */
  #titles = new Map();
  /** The offset of the rows that follow, if there are any. @type {number | undefined} */
  #next;
  /** Counts the searches: what comes back late is left alone. */
  #searches = 0;
  #loading = false;
  /** Conversations that the search could not look through yet. */
  #pending = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #pendingTimer;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #searchTimer;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #noticeTimer;

  /**
   * @param {object} links
   * @param {() => string} links.shown  The id of the conversation in the panel.
   * @param {(id: string, hit?: {place: Place, query: string}) => void} links.onOpen  `hit`: where the search has found it.
   * @param {(id: string) => void} [links.onDelete]  One is about to be deleted.
   */
  constructor({ shown, onOpen, onDelete = () => {} }) {
    this.#shown = shown;
    this.#onDelete = onDelete;
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

  /**
   * The first page of what is searched for.
   * @returns {Promise<Requests["ListConversations"]["reply"] | undefined>}  Undefined when another search has begun meanwhile.
   */
  async #find() {
    const count = this.#searches;
    const query = this.#search.value;
    const found = await ask({ type: "ListConversations", query, limit: pageOf(query) });
    return count === this.#searches ? found : undefined;
  }

  /** Searches anew. The rows stay until the new ones are there. */
  async #load() {
    this.#searches += 1;
    const found = await this.#find();
    if (!found) return;
    const { conversations = [], next, pending = 0 } = found;
    this.#next = next;
    this.#pending = pending;
    setChildren(
      this.#list,
      conversations.map((conversation) => this.#row(conversation)),
    );
    byId("list-scroller").scrollTop = 0;
    this.#afterChange();
    this.#measure();
  }

  /** Takes in what could not be looked through before. Rows that have the focus stay as they are. */
  async #lookAgain() {
    if (!this.#dialog.open) return;
    const found = await this.#find();
    if (!found) return;
    const { conversations = [], next, pending = 0 } = found;
    this.#pending = pending;
    const isSame = conversations.length === this.#list.children.length;
    if (!isSame && !this.#list.contains(document.activeElement) && byId("list-scroller").scrollTop === 0) {
      this.#next = next;
      setChildren(
        this.#list,
        conversations.map((conversation) => this.#row(conversation)),
      );
    }
    this.#afterChange();
  }

  /** The next page, when the end of the rows comes near. */
  #loadMore() {
    const { scrollHeight, scrollTop, clientHeight } = byId("list-scroller");
    if (this.#loading || scrollHeight - scrollTop > 3 * clientHeight) return;
    const offset = this.#next;
    if (offset === undefined) return;
    this.#loading = true;
    const count = this.#searches;
    this.#guard(async () => {
      try {
        const query = this.#search.value;
        const { conversations = [], next } = await ask({
          type: "ListConversations",
          query,
          offset,
          limit: pageOf(query),
        });
        if (count !== this.#searches || offset !== this.#next) return;
        this.#next = next;
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
    const note = this.#pending > 0 ? pendingText(this.#pending) : this.#list.children.length > 0 ? "" : nothing;
    if (byId("list-note").textContent !== note) byId("list-note").textContent = note;
    clearTimeout(this.#pendingTimer);
    if (this.#pending > 0) this.#pendingTimer = setTimeout(() => this.#guard(() => this.#lookAgain()), PENDING_MS);
  }

  /**
   * A row. What cannot be shown of one must not take the others along.
   * @param {ConversationSummary} conversation
   */
  #row(conversation) {
    try {
      return this.#buildRow(conversation);
    } catch (error) {
      console.error("A row of the list cannot be drawn:", error);
      const { id } = conversation;
      return this.#buildRow({
        id,
        title: "This conversation's entry is damaged",
        created_at: 0,
        updated_at: 0,
        turns: 1,
      });
    }
  }

  /** @param {ConversationSummary} conversation */
  #buildRow(conversation) {
    const { id, title, updated_at, unfinished, draft, snippet, place } = conversation;
    const hit = place && { place, query: this.#search.value };
    const time = new Date(updated_at);
    const row = el(
      "li",
      { class: "entry", "aria-current": id === this.#shown() && "true", onfocusin: () => this.#setActive(row) },
      el(
        "button",
        { type: "button", class: "open", tabindex: -1, onclick: () => this.#open(id, hit) },
        el("span", { class: "title", dir: "auto" }, title || "Untitled"),
        el("time", { datetime: time.toISOString(), title: time.toLocaleString() }, timeText(updated_at, Date.now())),
        unfinished ? el("span", { class: "unfinished" }, "In progress") : null,
        draft ? el("span", { class: "draft" }, "Draft") : null,
        snippet &&
          el("span", { class: "snippet", dir: "auto" }, snippet.before, el("mark", {}, snippet.hit), snippet.after),
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
    if (isComposing(event)) return;
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "f") {
      event.preventDefault();
      this.#search.select();
      return;
    }
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

  /** @param {string} id @param {{place: Place, query: string}} [hit] */
  #open(id, hit) {
    this.#onOpen(id, hit);
    this.#dialog.close();
  }

  // --- what a row's buttons do ----------------------------------------------------------------------------------------

  /** @param {HTMLElement} row @param {ConversationSummary} conversation */
  #rename(row, conversation) {
    const { id } = conversation;
    const box = el("input", {
      "aria-label": "Title",
      dir: "auto",
      value: this.#titles.get(id) ?? conversation.title,
      autocomplete: "off",
      maxlength: 200,
    });
    // Escape leaves the title as it is, and what was typed for the next time.
    box.addEventListener("input", () => this.#titles.set(id, box.value));
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
        await ask({ type: "RenameConversation", id, title: box.value });
        this.#titles.delete(id);
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
    this.#onDelete(id);
    const { undo_until = 0 } = await ask({ type: "DeleteConversation", id });
    const neighbour = row.nextElementSibling ?? row.previousElementSibling;
    row.remove();
    if (this.#next !== undefined) this.#next -= 1;
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
    let lost = 0;
    while (from !== undefined) {
      /** @type {Requests["ExportConversations"]["reply"]} */
      const { files = [], next, unreadable = 0 } = await ask({ type: "ExportConversations", format, ids, from });
      for (const { name, text } of files) download(name, text, format);
      count += files.length;
      lost += unreadable;
      from = next;
    }
    const done = count === 1 ? "Exported." : `Exported as ${count} files.`;
    this.#say(lost > 0 ? `${done} ${conversationsText(lost)} could not be read and is not in it.` : done);
  }

  async #import() {
    const files = await Promise.all([...(this.#file.files ?? [])].map((file) => file.text()));
    // The same file can be chosen again.
    this.#file.value = "";
    await this.#importAll(files, { imported: 0, skipped: 0 });
  }

  /**
   * Imports files one after the other. One that brings instructions is asked about, with these in view, and then the others follow.
   * @param {string[]} files  Their texts.
   * @param {{imported: number, skipped: number}} counts  Of the files before these.
   * @param {"with" | "without"} [instructions]  The user's word on the first file.
   * @returns {Promise<void>}
   */
  async #importAll([text, ...others], counts, instructions) {
    if (text === undefined) {
      const { imported, skipped } = counts;
      this.#say(
        `Imported ${conversationsText(imported)}.${skipped ? ` ${conversationsText(skipped)} already here.` : ""}`,
      );
      return;
    }
    this.#say(others.length === 0 ? "Importing…" : `Importing, ${others.length} more to come…`, []);
    /** @type {Requests["ImportConversations"]["reply"]} */
    let answer;
    try {
      answer = await ask({ type: "ImportConversations", text, ...(instructions ? { instructions } : {}) });
    } finally {
      await this.#load();
    }
    const { imported = 0, skipped = 0, brings } = answer;
    if (!brings)
      return this.#importAll(others, { imported: counts.imported + imported, skipped: counts.skipped + skipped });
    this.#choose(
      `This file brings its own instructions for ${conversationsText(brings.length)}. They change how the model answers there.`,
      [
        { label: "Import with them", act: () => this.#importAll([text, ...others], counts, "with") },
        { label: "Import without them", act: () => this.#importAll([text, ...others], counts, "without") },
      ],
      brings.map(broughtView),
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
   * @param {HTMLElement[]} [details]  What it is about. It has the focus then, to be read first.
   */
  #choose(question, choices, details = []) {
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
    const place = byId("notice-details");
    place.hidden = details.length === 0;
    // What scrolls has to be reached by the keyboard.
    place.tabIndex = 0;
    setChildren(place, details);
    if (details.length > 0) place.focus();
    else byId("notice-actions").querySelector("button")?.focus();
  }

  /**
   * @param {string} text
   * @param {Choice[]} [choices]  Each of them takes the line away.
   * @param {number} [forMs]  How long it stays.
   */
  #say(text, choices = [{ label: "OK", act: () => this.#search.focus() }], forMs) {
    clearTimeout(this.#noticeTimer);
    byId("notice-details").hidden = true;
    byId("notice-details").replaceChildren();
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
    byId("notice-details").replaceChildren();
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

/** @param {Brought} brought */
function broughtView({ title, instructions, profile, vector_stores }) {
  return el(
    "div",
    { class: "brought" },
    el("p", { class: "brought-title", dir: "auto" }, revealed(title) || "Untitled"),
    instructions === undefined ? null : el("pre", { dir: "auto" }, revealed(instructions)),
    profile === undefined ? null : el("p", {}, `Answered by the provider profile “${revealed(profile)}”`),
    vector_stores === undefined ? null : el("p", {}, `File search looks in: ${revealed(vector_stores.join(", "))}`),
  );
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

/** @param {string} query */
function pageOf(query) {
  return query.trim() ? FOUND_PAGE : PAGE;
}

/** @param {number} count */
function pendingText(count) {
  return `Still reading older conversations: ${conversationsText(count)} not searched yet.`;
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
  save(name, new Blob([text], { type }));
}
