/** The row below a queued message: why it waits, and the buttons that send it now or take it out of the queue. */

import { text } from "../../shared/text.js";
import { el } from "../../ui/dom.js";
import { waitingText } from "./turn-labels.js";

/** @import {Turn} from "../../shared/protocol.js" */

export class QueueRow {
  #text = el("span", {});
  root;

  /**
   * @param {string} turnId
   * @param {{sendNow: (turnId: string) => void, cancel: (turnId: string) => void}} actions
   */
  constructor(turnId, { sendNow, cancel }) {
    this.root = el(
      "div",
      { class: "queue-row" },
      this.#text,
      el(
        "span",
        { class: "buttons" },
        el("button", { type: "button", onclick: () => sendNow(turnId) }, text("queue_send_now")),
        el("button", { type: "button", onclick: () => cancel(turnId) }, text("common_cancel")),
      ),
    );
  }

  /** @param {Turn} turn */
  update({ waiting, blocks }) {
    if (!waiting) return;
    const text = waitingText(waiting, Date.now(), blocks.length > 0);
    if (this.#text.textContent !== text) this.#text.textContent = text;
  }
}
