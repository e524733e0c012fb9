/** The list of conversations: search, open, rename, delete. Rows are drawn page by page as the reader comes to them. */

import { plural, text } from "../../shared/text.js";
import { byId, setChildren } from "../../ui/dom.js";
import { isComposing } from "../../ui/keys.js";
import { ask } from "../worker-link/ask.js";
import { Notice } from "./notice.js";
import { createRow, createTitleForm, focusRow } from "./row.js";
import { StorageUse } from "./storage-use.js";
import { Transfer } from "./transfer.js";

/** @import {ConversationSummary, Place} from "../../shared/protocol.js" */
/** @import {Requests} from "../../shared/requests.js" */

const PAGE = 50;
/**
 * The size of a page of search results. It is smaller, because the worker has to look for the place that each row
 * shows.
 */
const FOUND_PAGE = 25;
const SEARCH_DELAY_MS = 100;
/** How often a search is repeated that could not look through everything. */
const PENDING_MS = 1_000;

export class ConversationList {
  /** @type {HTMLDialogElement} */
  #dialog = byId("conversations");
  /** @type {HTMLInputElement} */
  #search = byId("search");
  #list = byId("conversation-list");
  #notice = new Notice(() => this.#search.focus());
  #transfer = new Transfer({ notice: this.#notice, onImport: () => this.#load() });
  #storage = new StorageUse({ notice: this.#notice, onDelete: () => this.#load() });
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
  /** Results came while a title was being written: they are loaded again when that is done. */
  #isOutdated = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #pendingTimer;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #searchTimer;

  /**
   * @param {object} links
   * @param {() => string} links.shown  The id of the conversation in the panel.
   * @param {(id: string, hit?: {place: Place, query: string}) => void} links.onOpen  `hit`: where the search has found
   *   it.
   * @param {(id: string) => void} [links.onDelete]  One is about to be deleted.
   */
  constructor({ shown, onOpen, onDelete = () => {} }) {
    this.#shown = shown;
    this.#onDelete = onDelete;
    this.#onOpen = onOpen;
    byId("close-list").addEventListener("click", () => this.#dialog.close());
    this.#search.addEventListener("input", () => {
      clearTimeout(this.#searchTimer);
      this.#searchTimer = setTimeout(() => this.#notice.guard(() => this.#load()), SEARCH_DELAY_MS);
    });
    byId("list-scroller").addEventListener("scroll", () => this.#loadMore(), { passive: true });
    this.#dialog.addEventListener("keydown", (event) => this.#onKey(event));
    this.#dialog.addEventListener("close", () => this.#notice.hide());
  }

  /** Shows the list in the panel's place. When it closes, the focus returns to where it was. */
  show() {
    if (this.#dialog.open) return;
    this.#search.value = "";
    this.#list.replaceChildren();
    this.#dialog.showModal();
    this.#search.focus();
    this.#offerUndo();
    this.#notice.guard(() => this.#load());
  }

  // --- rows ---------------------------------------------------------------------------------------------------------

  /**
   * The first page of what is searched for.
   * @returns {Promise<Requests["ListConversations"]["reply"] | undefined>}  Undefined when another search has begun
   *   meanwhile.
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
    this.#isOutdated = this.#isRenaming();
    if (this.#isOutdated) return;
    const { conversations = [], next, pending = 0 } = found;
    this.#next = next;
    this.#pending = pending;
    setChildren(
      this.#list,
      conversations.map((conversation) => this.#row(conversation)),
    );
    byId("list-scroller").scrollTop = 0;
    this.#afterChange();
    this.#storage.update();
  }

  /** Whether a title is being written: its box must not be replaced under the user's hands. */
  #isRenaming() {
    return this.#list.querySelector("form")?.contains(document.activeElement) ?? false;
  }

  /** Loads the results that came while a title was being written, and keeps the focus in the list. */
  async #loadMissed() {
    await this.#load();
    const [first] = this.#list.children;
    if (first) focusRow(first);
    else this.#search.focus();
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
    this.#notice.guard(async () => {
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
    const nothing = text(this.#search.value.trim() ? "list_not_found" : "list_empty");
    const note =
      this.#pending > 0 ? plural("list_pending", this.#pending) : this.#list.children.length > 0 ? "" : nothing;
    if (byId("list-note").textContent !== note) byId("list-note").textContent = note;
    clearTimeout(this.#pendingTimer);
    if (this.#pending > 0)
      this.#pendingTimer = setTimeout(() => this.#notice.guard(() => this.#lookAgain()), PENDING_MS);
  }

  /** @param {ConversationSummary} conversation */
  #row(conversation) {
    const query = this.#search.value;
    const row = createRow(conversation, conversation.id === this.#shown(), {
      open: ({ id, place }) => this.#open(id, place && { place, query }),
      rename: (shown) => this.#rename(row, shown),
      export: ({ id, title }) => this.#transfer.chooseFormat(text("list_export_as", title), [id]),
      delete: (shown) => this.#notice.guard(() => this.#delete(row, shown)),
      onFocus: () => this.#setActive(row),
    });
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
      if (this.#notice.hasButton(target)) {
        event.preventDefault();
        this.#notice.hide();
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

  // --- what a row's buttons do
  // ----------------------------------------------------------------------------------------

  /** @param {HTMLElement} row @param {ConversationSummary} conversation */
  #rename(row, conversation) {
    const { id } = conversation;
    /** @param {ConversationSummary} fresh */
    const finish = (fresh) => {
      if (!form.isConnected) return;
      const next = this.#row(fresh);
      row.replaceWith(next);
      this.#setActive(next);
      focusRow(next);
      if (this.#isOutdated) this.#notice.guard(() => this.#loadMissed());
    };
    const rename = async (/** @type {string} */ title) => {
      await ask({ type: "RenameConversation", id, title });
      this.#titles.delete(id);
      if (title.trim()) finish({ ...conversation, title: title.trim() });
      else await this.#load();
    };
    const { form, box } = createTitleForm(this.#titles.get(id) ?? conversation.title, {
      onInput: (title) => this.#titles.set(id, title),
      onSubmit: (title) => this.#notice.guard(() => rename(title)),
      // The title stays as it is, and what was typed is kept for the next time.
      onCancel: () => finish(conversation),
    });
    box.addEventListener("blur", () => {
      if (this.#isOutdated && form.isConnected) this.#notice.guard(() => this.#load());
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
    this.#storage.update();
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
    this.#notice.say(
      text("list_deleted_title", title),
      [{ label: text("common_undo"), act: undo }],
      until - Date.now(),
    );
  }
}

/** @param {string} query */
function pageOf(query) {
  return query.trim() ? FOUND_PAGE : PAGE;
}
