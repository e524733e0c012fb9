/** Exports conversations into files, and imports them from files. */

import { byId, el } from "../../ui/dom.js";
import { revealed } from "../../ui/revealed.js";
import { save } from "../../ui/save.js";
import { ask } from "../worker-link/ask.js";
import { conversationsText } from "./list-labels.js";

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
    byId("export-all").addEventListener("click", () => this.chooseFormat("Export all conversations as"));
    byId("import").addEventListener("click", () => this.#file.click());
    this.#file.addEventListener("change", () => notice.guard(() => this.#import()));
  }

  /** @param {string} question @param {string[]} [ids]  Without them, all conversations are exported. */
  chooseFormat(question, ids) {
    this.#notice.ask(question, [
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
    this.#notice.say(lost > 0 ? `${done} ${conversationsText(lost)} could not be read and is not in it.` : done);
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
      const known = skipped ? ` ${conversationsText(skipped)} already here.` : "";
      this.#notice.say(`Imported ${conversationsText(imported)}.${known}`);
      return;
    }
    this.#notice.say(others.length === 0 ? "Importing…" : `Importing, ${others.length} more to come…`, []);
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
      `This file brings its own instructions for ${conversationsText(brings.length)}. They change how the model answers there.`,
      [
        { label: "Import with them", act: () => this.#importAll([text, ...others], counts, "with") },
        { label: "Import without them", act: () => this.#importAll([text, ...others], counts, "without") },
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
    el("p", { class: "brought-title", dir: "auto" }, revealed(title) || "Untitled"),
    instructions === undefined ? null : el("pre", { dir: "auto" }, revealed(instructions)),
    profile === undefined ? null : el("p", {}, `Answered by the provider profile “${revealed(profile)}”`),
    vector_stores === undefined ? null : el("p", {}, `File search looks in: ${revealed(vector_stores.join(", "))}`),
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
