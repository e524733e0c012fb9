/** Shows how much storage the conversations use, and frees it by deleting old ones. */

import { plural, text } from "../../shared/text.js";
import { byId } from "../../ui/dom.js";
import { ask } from "../worker-link/ask.js";
import { storageText } from "./list-labels.js";

/** @import {Notice} from "./notice.js" */

const DAY_MS = 86_400_000;

export class StorageUse {
  #text = byId("storage");
  #notice;
  #onDelete;

  /**
   * @param {object} parts
   * @param {Notice} parts.notice
   * @param {() => Promise<void>} parts.onDelete  Conversations were deleted.
   */
  constructor({ notice, onDelete }) {
    this.#notice = notice;
    this.#onDelete = onDelete;
    byId("free-space").addEventListener("click", () => this.#chooseAge());
  }

  update() {
    this.#notice.guard(async () => {
      const { storage } = await ask({ type: "StorageUse" });
      this.#text.textContent = storage ? storageText(storage) : "";
    });
  }

  #chooseAge() {
    this.#notice.ask(
      text("list_delete_unused"),
      [90, 30].map((days) => ({ label: plural("list_days", days), act: () => this.#confirm(days) })),
    );
  }

  /** @param {number} days */
  #confirm(days) {
    this.#notice.ask(plural("list_delete_unused_confirm", days), [
      { label: text("common_delete"), act: () => this.#deleteUnused(days) },
    ]);
  }

  /** @param {number} days */
  async #deleteUnused(days) {
    const { deleted = 0 } = await ask({ type: "FreeStorage", older_than: Date.now() - days * DAY_MS });
    await this.#onDelete();
    this.#notice.say(plural("list_deleted", deleted));
  }
}
