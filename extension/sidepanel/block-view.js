/**
 * The pieces of an answer on the screen: one view per block, brought up to date once per frame.
 */

import { el, icon } from "../ui/dom.js";
import { GrowingText } from "../ui/growing-text.js";
import { highlight } from "../ui/highlight.js";
import { safeUrl } from "../ui/markdown.js";
import { MarkdownStream } from "../ui/markdown-stream.js";
import { offerRun, shownParts } from "./python-run.js";
import { callLine, toolTitle } from "./words.js";

/** @import {Block, Source} from "../protocol.js" */

/**
 * @typedef {object} BlockView
 * @property {HTMLElement} root
 * @property {(block: Block) => void} update
 */

/**
 * @typedef {object} BlockActions
 * @property {(call: string, allow: boolean, always?: boolean) => void} decide  The user's word on a call that asks.
 */

/**
 * @param {Block} block
 * @param {BlockActions} actions
 * @returns {BlockView}
 */
export function createBlockView(block, actions) {
  switch (block.kind) {
    case "reasoning":
      return new ReasoningView();
    case "refusal":
      return new RefusalView();
    case "tool":
      return new ToolView(actions);
    default:
      return new TextView();
  }
}

/** Markdown in an element, following a text that grows. */
class GrowingMarkdown {
  root = el("div", { class: "markdown" });
  /** @type {MarkdownStream | null} */
  #stream = this.#begin();
  #length = 0;

  #begin() {
    return new MarkdownStream(this.root, {
      onCode: (code) =>
        whenIdle(() => {
          offerRun(code);
          highlight(code);
        }),
    });
  }

  /** @param {Block} block */
  update({ text, open }) {
    if (!this.#stream) {
      if (text.length === this.#length && !open) return;
      // It was finished, and goes on after all.
      this.root.replaceChildren();
      this.#stream = this.#begin();
      this.#length = 0;
    }
    if (text.length > this.#length) this.#stream.append(text.slice(this.#length));
    this.#length = text.length;
    if (open) {
      this.#stream.draw();
    } else {
      this.#stream.finish();
      this.#stream = null;
    }
  }
}

/** The assistant's words, with their citations. */
class TextView {
  #markdown = new GrowingMarkdown();
  root = el("div", { class: "text" }, this.#markdown.root);
  /** @type {HTMLElement | null} */
  #citations = null;
  #citationCount = 0;

  /** @param {Block} block */
  update(block) {
    this.#markdown.update(block);
    this.root.hidden = !block.text;
    const citations = block.citations ?? [];
    if (citations.length === this.#citationCount) return;
    this.#citationCount = citations.length;
    this.#citations?.remove();
    this.#citations = sourceList(citations, "Sources");
    this.root.append(this.#citations);
  }
}

/**
 * Pages as links, files by their names: these are at the provider.
 * @param {Source[]} sources
 * @param {string} label
 */
function sourceList(sources, label) {
  const items = sources.map(({ url, title }) => {
    const safe = url ? safeUrl(url, ["http:", "https:"]) : null;
    if (!safe) return title ? el("li", {}, title) : null;
    const link = { href: safe.href, target: "_blank", rel: "noopener noreferrer", title: safe.href };
    return el("li", {}, el("a", link, title ?? safe.host));
  });
  return el("ol", { class: "citations", "aria-label": label, "data-label": label }, ...items);
}

/** What the model thought, folded. */
class ReasoningView {
  #markdown = new GrowingMarkdown();
  root = el(
    "details",
    { class: "aside reasoning" },
    el("summary", {}, el("span", { class: "aside-title" }, "Reasoning")),
    this.#markdown.root,
  );

  /** @param {Block} block */
  update(block) {
    this.#markdown.update(block);
    this.root.hidden = !block.text;
    this.root.classList.toggle("open", block.open);
  }
}

/** The model's words for not answering, as they are. */
class RefusalView {
  root = el("p", { class: "refusal" });
  #text = new GrowingText(this.root);

  /** @param {Block} block */
  update({ text }) {
    this.#text.update(text);
    this.root.hidden = !text;
  }
}

/** One line for a tool's call; what it is called with and what it gave unfold. */
class ToolView {
  #title = el("span", { class: "aside-title" });
  #state = el("span", { class: "aside-state" });
  #pre = el("pre");
  #text = new GrowingText(this.#pre);
  #output = el("pre", { class: "output", "aria-label": "Output", hidden: true });
  #summary = el("summary", {}, icon("tool"), this.#title, this.#state);
  #details = el("details", { class: "aside tool" }, this.#summary, this.#pre, this.#output);
  /** The user has folded or unfolded it. */
  #isSet = false;
  #isShown = false;
  /** @type {HTMLElement | null} */
  #question = null;
  #shown = el("div", { class: "run-parts", hidden: true });
  root = el("div", { class: "call" }, this.#details, this.#shown);
  /** @type {BlockActions} */
  #actions;

  /** @param {BlockActions} actions */
  constructor(actions) {
    this.#actions = actions;
    this.#summary.addEventListener("click", () => {
      this.#isSet = true;
    });
  }

  /** @param {Block} block */
  update(block) {
    const { title, state } = callLine(block);
    this.#title.textContent = title;
    this.#title.title = title;
    this.#state.textContent = state;
    const text = block.open || !block.call_id ? block.text : argumentsText(block.text);
    this.#text.update(text || (block.open || !block.call_id ? "" : "No arguments."));
    this.#pre.hidden = !text && !block.call_id;
    this.#details.classList.toggle("open", block.open);
    // Code that runs elsewhere is in view as long as it is written and runs.
    if (block.name === "code_interpreter" && !this.#isSet) this.#details.open = block.open;
    this.#output.hidden = !block.output;
    if (this.#output.textContent !== (block.output ?? "")) this.#output.textContent = block.output ?? "";
    this.#output.classList.toggle("failed", Boolean(block.failed));
    if (block.shown && !this.#isShown) {
      this.#isShown = true;
      const { sources = [] } = block.shown;
      if (sources.length > 0) this.#details.append(sourceList(sources, "Found"));
      const description = block.name === "image_generation" ? block.text : undefined;
      this.#shown.append(...shownParts(block.shown, description));
      this.#shown.hidden = this.#shown.childElementCount === 0;
    }
    if (Boolean(block.asks) !== Boolean(this.#question)) this.#ask(block);
  }

  /** @param {Block} block */
  #ask({ asks, call_id = "", name = "" }) {
    this.#question?.remove();
    this.#question = null;
    // What will be done is to be seen by whoever allows it.
    this.#details.open = Boolean(asks);
    if (!asks) return;
    const { decide } = this.#actions;
    /** @param {string} label @param {boolean} allow @param {boolean} [always] */
    const button = (label, allow, always) =>
      el("button", { type: "button", onclick: () => decide(call_id, allow, always) }, label);
    this.#question = el(
      "div",
      { class: "ask", role: "group", "aria-label": `Allow ${toolTitle({ name })}?` },
      el("p", { role: "alert" }, `The model wants to use ${toolTitle({ name })} as shown. Allow it?`),
      el(
        "div",
        { class: "actions" },
        button("Allow", true),
        button("Always in this conversation", true, true),
        button("Refuse", false),
      ),
    );
    this.root.append(this.#question);
  }
}

/**
 * Code is shown as it is, other arguments as JSON.
 * @param {string} text
 */
function argumentsText(text) {
  try {
    const { code, ...others } = JSON.parse(text);
    if (typeof code === "string" && Object.keys(others).length === 0) return code;
  } catch {
    // It is shown as it came.
  }
  return prettyJson(text);
}

/**
 * @param {string} text
 * @returns {string}
 */
function prettyJson(text) {
  try {
    const value = JSON.parse(text);
    return typeof value === "object" ? JSON.stringify(value, null, 2) : text;
  } catch {
    return text;
  }
}

/** @param {() => void} work */
function whenIdle(work) {
  requestIdleCallback(work, { timeout: 1000 });
}
