/**
 * Usage in view: two thin bars above the composer, how full the context window is and the tightest limit, and behind the button "Usage"
 * all figures that are known. What nobody has told is not shown; where nothing is known, nothing is shown at all.
 */

import { byId, el } from "../../ui/dom.js";
import { numberText, percentText, spanText, timeText } from "../formats.js";
import { byModel, calendar, dateOf, gauges, tightest, total } from "./gauges.js";
import { contextText, creditsText, gaugeText } from "./usage-labels.js";

/** @import {ConversationView, DayUsage, Limits, Meter, Usage} from "../../shared/protocol.js" */
/** @import {Gauge} from "./gauges.js" */

/** From so much on (percent), the tightest limit is in view, and a bar is coloured. */
const HIGH = 75;
const FULL = 95;
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
    drawGauge(place, "Context window", [text.short, " tokens"], `${text.long} tokens`, window && (100 * used) / window);
  }

  /** @param {number} now */
  #drawTightest(now) {
    const place = byId("limit-meter");
    const gauge = tightest(this.#limits, now);
    const percent = gauge?.percent ?? 0;
    place.hidden = !gauge || percent < HIGH;
    if (!gauge || percent < HIGH) return;
    const long = [gaugeText(gauge), resetText(gauge.resets_at, now)].filter(Boolean).join(", ");
    drawGauge(place, gauge.label, [`${gauge.label} ${percentText(percent)}`], long, percent);
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

/**
 * @param {HTMLElement} place
 * @param {string} label
 * @param {[text: string, unit?: string]} short  What is seen; the unit only where there is room.
 * @param {string} long
 * @param {number | undefined} percent  Without one there is no bar.
 */
function drawGauge(place, label, short, long, percent) {
  place.title = `${label}: ${long}`;
  const drawn = JSON.stringify([label, short, long, percent]);
  if (place.dataset.drawn === drawn) return;
  place.dataset.drawn = drawn;
  const [text, unit] = short;
  place.replaceChildren(
    percent === undefined ? "" : bar(label, percent, long),
    el("span", {}, text, unit && el("span", { class: "unit" }, unit)),
  );
}

/**
 * @param {string} label
 * @param {number} percent
 * @param {string} text
 */
function bar(label, percent, text) {
  const filled = el("span", {});
  filled.style.inlineSize = percent > 0 ? `max(2px, ${Math.min(percent, 100)}%)` : "0";
  return el(
    "div",
    {
      class: percent >= FULL ? "bar full" : percent >= HIGH ? "bar high" : "bar",
      role: "meter",
      "aria-label": label,
      "aria-valuemin": 0,
      "aria-valuemax": 100,
      "aria-valuenow": Math.min(Math.floor(percent), 100),
      "aria-valuetext": text,
    },
    filled,
  );
}

// --- this conversation --------------------------------------------------------------------------------------------------

/** @type {[name: string, label: string, part: boolean][]} */
const ROWS = [
  ["input_tokens", "Input", false],
  ["cached_input_tokens", "cached", true],
  ["output_tokens", "Output", false],
  ["reasoning_output_tokens", "reasoning", true],
];

/** @param {Meter} meter */
function conversationPart(meter) {
  const { usage, last, context_window, compact_at } = meter;
  const columns = last ? [last, usage] : [usage];
  const rows = ROWS.filter(([name]) => columns.some((column) => column[name] > 0)).map(([name, label, isPart]) =>
    el(
      "tr",
      { class: isPart && "part" },
      el("th", { scope: "row" }, label),
      ...columns.map((column) => el("td", {}, column[name] > 0 ? numberText(column[name]).long : "–")),
    ),
  );
  const head = el(
    "tr",
    {},
    el("th", { scope: "col" }, "Tokens"),
    last && el("th", { scope: "col" }, "Last answer"),
    el("th", { scope: "col" }, "All together"),
  );
  const table = el("table", { class: "figures" }, el("thead", {}, head), el("tbody", {}, ...rows));
  const text = contextText(meter);
  if (!text) return [table];
  const percent = context_window && (100 * (meter.context_used ?? 0)) / context_window;
  const context = gaugeLine("Context window", text.long, percent, "tokens");
  if (compact_at) context.append(el("p", { class: "note" }, `Compaction at ${numberText(compact_at).long} tokens`));
  return [context, table];
}

/**
 * @param {string} label
 * @param {string} text
 * @param {number} [percent]
 * @param {string} [more]  For assistive technology, which may read the bar alone.
 */
function gaugeLine(label, text, percent, more = "") {
  const line = el("p", {}, el("span", {}, label), el("span", {}, text));
  const spoken = [text, more].filter(Boolean).join(" ");
  return el("div", { class: "gauge-line" }, line, percent === undefined ? null : bar(label, percent, spoken));
}

// --- limits -------------------------------------------------------------------------------------------------------------

/**
 * @typedef {object} LimitsTexts
 * @property {string} title
 * @property {{label: string, text: string, percent?: number, reset: string, resets_at?: number}[]} lines
 * @property {string[]} notes
 * @property {boolean} isPassing  It will be over by itself.
 */

/**
 * @param {Limits} limits
 * @param {number} now
 * @returns {LimitsTexts | null}  Null when nothing of it holds any more.
 */
function limitsTexts(limits, now) {
  const { name, model, plan, credits, wait_until = 0, at } = limits;
  const lines = gauges(limits, now).map((gauge) => ({
    label: gauge.label,
    text: gaugeText(gauge),
    percent: gauge.percent,
    reset: resetText(gauge.resets_at, now),
    resets_at: gauge.resets_at,
  }));
  const notes = [
    plan && `Plan: ${plan}`,
    credits && creditsText(credits),
    wait_until > now && `Messages wait for ${spanText(wait_until - now)}`,
  ].filter((note) => typeof note === "string");
  if (lines.length === 0 && notes.length === 0) return null;
  return {
    title: [host(name), model].filter(Boolean).join(" · "),
    lines,
    notes: [...notes, `Told ${timeText(at, now)}`],
    isPassing: wait_until > now || lines.some(({ resets_at }) => resets_at !== undefined),
  };
}

/** @param {LimitsTexts} texts */
function limitsPart({ title, lines, notes }) {
  return [
    el("h4", {}, title),
    ...lines.map(({ label, text, percent, reset, resets_at = 0 }) => {
      const line = gaugeLine(label, text, percent, reset);
      if (reset) line.append(el("p", { class: "note", title: new Date(resets_at).toLocaleString() }, reset));
      return line;
    }),
    el("p", { class: "note" }, notes.join(" · ")),
  ];
}

/**
 * @param {number | undefined} resetsAt
 * @param {number} now
 */
function resetText(resetsAt, now) {
  return resetsAt === undefined ? "" : `resets in ${spanText(resetsAt - now)}`;
}

// --- by day -------------------------------------------------------------------------------------------------------------

/**
 * @param {DayUsage[]} known
 * @param {number} count
 * @param {number} now
 */
function daysPart(known, count, now) {
  const dates = calendar(known, count, now);
  const first = dates[0].date;
  const days = known.filter(({ day }) => dateOf(day) >= first);
  if (days.length === 0) return [el("p", { class: "note" }, `Nothing in the last ${count} days.`)];
  const models = byModel(days).map((spent) => spendingGroup(spent.model || "Unknown model", host(spent.origin), spent));
  const all = models.length > 1 ? [spendingGroup("All models", "", total(days))] : [];
  const each = days.toReversed().map((entry) => spendingGroup(dayText(dateOf(entry.day)), entry.model, entry));
  return [
    chart(dates),
    spendingTable([...models, ...all]),
    el("details", {}, el("summary", {}, "Each day"), spendingTable(each)),
  ];
}

/** @param {{date: Date, tokens: number}[]} dates */
function chart(dates) {
  const most = Math.max(1, ...dates.map(({ tokens }) => tokens));
  const columns = dates.map(({ date, tokens }) => {
    const column = el("span", { title: `${dayText(date)}: ${numberText(tokens).long} tokens` }, el("i", {}));
    /** @type {HTMLElement} */ (column.firstElementChild).style.blockSize = `${(100 * tokens) / most}%`;
    return column;
  });
  const [first, last] = [dates[0].date, dates[dates.length - 1].date];
  const axis = el("p", { class: "note" }, el("span", {}, dayText(first)), el("span", {}, dayText(last)));
  // The table below says the same.
  return el("div", { class: "chart", "aria-hidden": "true" }, el("div", {}, ...columns), axis);
}

/**
 * A name takes a line of its own: models have long ones.
 * @param {Node[]} groups
 */
function spendingTable(groups) {
  const titles = ["Answers", "Input", "Output"].map((title) => el("th", { scope: "col" }, title));
  return el("table", { class: "figures spending" }, el("thead", {}, el("tr", {}, ...titles)), ...groups);
}

/**
 * @param {string} name
 * @param {string} more
 * @param {{turns: number, usage: Usage}} spent
 */
function spendingGroup(name, more, { turns, usage }) {
  const title = el("th", { scope: "rowgroup", colspan: 3 }, name, more && el("small", {}, more));
  const figures = el(
    "tr",
    {},
    el("td", {}, numberText(turns).long),
    tokensCell(usage.input_tokens, usage.cached_input_tokens, "cached"),
    tokensCell(usage.output_tokens, usage.reasoning_output_tokens, "reasoning"),
  );
  return el("tbody", {}, el("tr", {}, title), figures);
}

/**
 * @param {number} [tokens]
 * @param {number} [part]
 * @param {string} [partName]
 */
function tokensCell(tokens = 0, part = 0, partName = "") {
  if (tokens <= 0) return el("td", {}, "–");
  const title =
    part > 0 ? `${numberText(tokens).long}, ${numberText(part).long} of them ${partName}` : numberText(tokens).long;
  const small = part > 0 ? el("small", {}, `${numberText(part).short} ${partName}`) : null;
  return el("td", { title }, numberText(tokens).short, small);
}

/** @param {Date} date */
function dayText(date) {
  return date.toLocaleDateString(undefined, { weekday: "short", day: "numeric", month: "short" });
}

/** @param {string} origin */
function host(origin) {
  return origin.replace(/^https?:\/\//, "");
}
