/**
 * Whoever allows something has seen it to its end. What does not fit into its box is announced, with buttons that lead
 * on for whoever does not scroll; what allows it waits until the end has been in view.
 */

import { text as message, plural } from "../../shared/text.js";
import { el } from "../../ui/dom.js";

export class ReadToEnd {
  #box;
  #end = el("span", { class: "text-end", "aria-hidden": "true" });
  #text = el("span", { role: "status" });
  #next = el("button", { type: "button", onclick: () => this.#go(0.9) }, message("tool_next_lines"));
  #last = el("button", { type: "button", onclick: () => this.#go(Number.POSITIVE_INFINITY) }, message("tool_to_end"));
  root = el(
    "div",
    { class: "below", id: `below-${crypto.randomUUID()}`, hidden: true },
    this.#text,
    this.#next,
    this.#last,
  );
  /** The end was in view. */
  isRead = false;
  #seen = new IntersectionObserver((entries) => entries.some(({ isIntersecting }) => isIntersecting) && this.#finish());
  #sizes = new ResizeObserver(() => this.#measure());
  #onRead;

  /**
   * @param {HTMLElement} box  That scrolls, with all of its text. It need not be on the page yet.
   * @param {() => void} onRead  Called once, when all of it fits or its end is in view.
   */
  constructor(box, onRead) {
    this.#box = box;
    this.#onRead = onRead;
    box.scrollTop = 0;
    box.tabIndex = 0;
    box.append(this.#end);
    box.addEventListener("scroll", this.#measure, { passive: true });
    this.#sizes.observe(box);
  }

  close() {
    this.#stop();
    this.#box.classList.remove("long");
    this.#box.removeAttribute("tabindex");
    this.#end.remove();
  }

  #stop() {
    this.#seen.disconnect();
    this.#sizes.disconnect();
    this.#box.removeEventListener("scroll", this.#measure);
  }

  #measure = () => {
    // It is not on the page yet, or folded.
    if (this.#box.clientHeight === 0) return;
    // All of it stands beside the question.
    if (this.root.hidden && this.#box.scrollHeight <= this.#box.clientHeight + 1) return this.#finish();
    if (this.root.hidden) {
      this.root.hidden = false;
      this.#box.classList.add("long");
      this.#seen.observe(this.#end);
    }
    const { scrollTop, scrollHeight, clientHeight } = this.#box;
    const line = Number.parseFloat(getComputedStyle(this.#box).lineHeight) || 18;
    const lines = Math.floor(scrollHeight / line);
    const below = Math.max(1, Math.round((scrollHeight - scrollTop - clientHeight) / line));
    const text = plural("tool_lines_below", below, lines);
    if (this.#text.textContent !== text) this.#text.textContent = text;
  };

  #finish() {
    this.isRead = true;
    this.#stop();
    // It keeps its place: what allows must not come under a pointer that pressed these.
    this.#text.textContent = message("tool_end_in_view");
    for (const button of [this.#next, this.#last]) button.setAttribute("aria-disabled", "true");
    this.#onRead();
  }

  /** @param {number} views  So far, in heights of the box. */
  #go(views) {
    const details = this.#box.closest("details");
    if (details) details.open = true;
    const { clientHeight, scrollHeight } = this.#box;
    this.#box.scrollTop += Math.min(views * clientHeight, scrollHeight);
    this.#box.scrollIntoView({ block: "nearest" });
  }
}
