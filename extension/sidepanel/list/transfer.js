/** Exports conversations into files, and imports them from files. */

import { text as message, plural } from "../../shared/text.js";
import { byId, el } from "../../ui/dom.js";
import { revealed } from "../../ui/revealed.js";
import { save } from "../../ui/save.js";
import { listText } from "../formats.js";
import { ask } from "../worker-link/ask.js";

/** @import {Brought} from "../../shared/protocol.js" */
/** @import {Requests} from "../../shared/requests.js" */
/** @import {Notice} from "./notice.js" */

export class Transfer {
  /** @type {HTMLInputElement} */
  #file = byId("import-file");
  #notice;
  #onImport;

  /**
   * @param {object} parts
   * @param {Notice} parts.notice
   * @param {() => Promise<void>} parts.onImport  Conversations may have been added.
   */
  constructor({ notice, onImport }) {
    this.#notice = notice;
    this.#onImport = onImport;
    byId("export-all").addEventListener("click", () => this.chooseFormat(message("list_export_all_as")));
    byId("import").addEventListener("click", () => this.#file.click());
    this.#file.addEventListener("change", () => notice.guard(() => this.#import()));
  }

  /** @param {string} question @param {string[]} [ids]  Without them, all conversations are exported. */
  chooseFormat(question, ids) {
    this.#notice.ask(question, [
      { label: message("list_format_json"), act: () => this.#export("json", ids) },
      { label: message("list_format_markdown"), act: () => this.#export("markdown", ids) },
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
    const done = plural("list_exported", count);
    this.#notice.say(lost > 0 ? `${done} ${plural("list_export_unreadable", lost)}` : done);
  }

  async #import() {
    const files = await Promise.all([...(this.#file.files ?? [])].map((file) => file.text()));
    // The same file can be chosen again.
    this.#file.value = "";
    await this.#importAll(files, { imported: 0, skipped: 0 });
  }

  /**
   * Imports files one after the other. For a file that brings instructions, the user is asked with these in view before
   * the others follow.
   * @param {string[]} files  Their texts.
   * @param {{imported: number, skipped: number}} counts  Of the files before these.
   * @param {"with" | "without"} [instructions]  The user's answer about the first file.
   * @returns {Promise<void>}
   */
  async #importAll([text, ...others], counts, instructions) {
    if (text === undefined) {
      const { imported, skipped } = counts;
      const done = plural("list_imported", imported);
      this.#notice.say(skipped > 0 ? `${done} ${plural("list_import_known", skipped)}` : done);
      return;
    }
    this.#notice.say(
      others.length === 0 ? message("list_importing") : plural("list_importing_more", others.length),
      [],
    );
    /** @type {Requests["ImportConversations"]["reply"]} */
    let answer;
    try {
      answer = await ask({ type: "ImportConversations", text, ...(instructions ? { instructions } : {}) });
    } finally {
      await this.#onImport();
    }
    const { imported = 0, skipped = 0, brings } = answer;
    if (!brings)
      return this.#importAll(others, { imported: counts.imported + imported, skipped: counts.skipped + skipped });
    this.#notice.ask(
      plural("list_import_instructions", brings.length),
      [
        { label: message("list_import_with"), act: () => this.#importAll([text, ...others], counts, "with") },
        { label: message("list_import_without"), act: () => this.#importAll([text, ...others], counts, "without") },
      ],
      brings.map(broughtView),
    );
  }
}

/** @param {Brought} brought */
function broughtView({ title, instructions, profile, vector_stores }) {
  return el(
    "div",
    { class: "brought" },
    el("p", { class: "brought-title", dir: "auto" }, revealed(title) || message("list_untitled")),
    instructions === undefined ? null : el("pre", { dir: "auto" }, revealed(instructions)),
    profile === undefined ? null : el("p", {}, message("list_import_profile", revealed(profile))),
    vector_stores === undefined
      ? null
      : el("p", {}, message("list_import_vector_stores", revealed(listText(vector_stores)))),
  );
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
