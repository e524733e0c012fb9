/**
 * Usage in view: above the composer two gauges, how full the context window is and the tightest limit; behind the
 * button "Usage" all that is known. What no provider has reported is not shown; where nothing is known, nothing is
 * shown at all.
 */

import { text as message } from "../../shared/text.js";
import { byId } from "../../ui/dom.js";
import { percentText } from "../formats.js";
import { ask } from "../worker-link/ask.js";
import { conversationPart } from "./conversation-usage.js";
import { daysPart } from "./days-view.js";
import { drawGauge, HIGH } from "./gauge-view.js";
import { tightest } from "./gauges.js";
import { limitsPart, limitsTexts } from "./limits-view.js";
import { contextText, gaugeText, resetText, withReset } from "./usage-labels.js";

/** @import {ConversationView, DayUsage, Limits, Meter} from "../../shared/protocol.js" */

const MAX_DAYS = 30;

export class UsageMeter {
  /** @type {HTMLDialogElement} */
  #dialog = byId("usage");
  /** The conversation's id. */
  #id = "";
  /** @type {Meter | undefined} */
  #meter;
  /** @type {Limits[]} */
  #limits = [];
  /** Of the last {@link MAX_DAYS} days. @type {DayUsage[]} */
  #days = [];
  #count = 7;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #ticking;
  /** What stands in each place, so that only changes are drawn. @type {Map<HTMLElement, string>} */
  #drawn = new Map();

  constructor() {
    byId("show-usage").addEventListener("click", () => this.#show());
    byId("close-usage").addEventListener("click", () => this.#dialog.close());
    this.#dialog.addEventListener("click", (event) => {
      if (event.target === this.#dialog) this.#dialog.close();
    });
    this.#dialog.addEventListener("keydown", (event) => {
      // What runs in the panel behind is not meant.
      if (event.key === "Escape") event.stopPropagation();
    });
    const choices = /** @type {HTMLElement[]} */ ([...this.#dialog.querySelectorAll("[data-days]")]);
    for (const choice of choices) {
      choice.addEventListener("click", () => {
        for (const each of choices) each.setAttribute("aria-pressed", String(each === choice));
        this.#count = Number(choice.dataset.days);
        this.#draw();
      });
    }
  }

  /** @param {ConversationView} conversation  Without a meter before Python is up: the one that was known goes on. */
  showConversation({ id, meter }) {
    if (meter || id !== this.#id) this.#meter = meter;
    this.#id = id;
    this.#draw();
  }

  /** Of the model that answers, in tokens; undefined where it is not known. */
  get contextWindow() {
    return this.#meter?.context_window;
  }

  /** @param {Meter} meter */
  setMeter(meter) {
    this.#meter = meter;
    if (this.#dialog.open) this.load();
    else this.#draw();
  }

  /** @param {Limits[]} limits  Those told last come first. */
  setLimits(limits) {
    this.#limits = limits;
    this.#draw();
  }

  /** Asks what was used on the last days. */
  async load() {
    try {
      const { days = [] } = await ask({ type: "UsageByDay", days: MAX_DAYS });
      this.#days = days;
    } catch {
      // A history that cannot be read is not shown; the rest is.
    }
    this.#draw();
  }

  #show() {
    if (this.#dialog.open) return;
    this.#dialog.showModal();
    this.load();
  }

  #draw() {
    const now = Date.now();
    const limits = this.#limits.map((each) => limitsTexts(each, now)).filter((each) => each !== null);
    this.#drawContext();
    this.#drawTightest(now);
    byId("meters").hidden = !this.#meter && limits.length === 0 && this.#days.length === 0;
    this.#tick(limits.some(({ isPassing }) => isPassing));
    if (!this.#dialog.open) return;
    this.#fill("usage-conversation", this.#meter, () => conversationPart(/** @type {Meter} */ (this.#meter)));
    this.#fill("usage-limits", limits.length > 0 && limits, () => limits.flatMap(limitsPart));
    const days = this.#days.length > 0 && [this.#days, this.#count, new Date(now).toDateString()];
    this.#fill("usage-days", days, () => daysPart(this.#days, this.#count, now));
  }

  /** @param {boolean} isNeeded  What is shown changes by itself: a reset comes nearer, a window starts anew. */
  #tick(isNeeded) {
    if (isNeeded) this.#ticking ??= setInterval(() => this.#draw(), 1000);
    else if (this.#ticking) {
      clearInterval(this.#ticking);
      this.#ticking = undefined;
    }
  }

  #drawContext() {
    const place = byId("context-meter");
    const text = contextText(this.#meter);
    place.hidden = !text;
    if (!text) return;
    const { context_used: used = 0, context_window: window } = /** @type {Meter} */ (this.#meter);
    const [short, long] = [message("usage_tokens", text.short), message("usage_tokens", text.long)];
    drawGauge(place, message("usage_context"), short, long, window && (100 * used) / window, text.short);
  }

  /** @param {number} now */
  #drawTightest(now) {
    const place = byId("limit-meter");
    const gauge = tightest(this.#limits, now);
    const percent = gauge?.percent ?? 0;
    place.hidden = !gauge || percent < HIGH;
    if (!gauge || percent < HIGH) return;
    const long = withReset(gaugeText(gauge), resetText(gauge.resets_at, now));
    drawGauge(place, gauge.label, `${gauge.label} ${percentText(percent)}`, long, percent);
  }

  /**
   * @param {string} id  A section's.
   * @param {unknown} content  Falsy hides the section; drawn again when it has changed.
   * @param {() => Node[]} build
   */
  #fill(id, content, build) {
    const section = byId(id);
    section.hidden = !content;
    const text = JSON.stringify(content);
    if (!content || this.#drawn.get(section) === text) return;
    this.#drawn.set(section, text);
    /** @type {HTMLElement} */ (section.lastElementChild).replaceChildren(...build());
  }
}
