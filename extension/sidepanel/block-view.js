/**
 * The pieces of an answer on the screen: one view per block, brought up to date once per frame.
 */

import { el } from "../ui/dom.js";
import { GrowingText } from "../ui/growing-text.js";
import { highlight } from "../ui/highlight.js";
import { whenIdle } from "../ui/idle.js";
import { MarkdownStream } from "../ui/markdown-stream.js";
import { offerRun } from "./python-run.js";
import { sourceList } from "./source-list.js";
import { ToolView } from "./tool-view.js";

/** @import {Block} from "../protocol.js" */
/** @import {CallActions} from "./tool-view.js" */

/**
 * @typedef {object} BlockView
 * @property {HTMLElement} root
 * @property {(block: Block) => void} update
 */

/**
 * @param {Block} block
 * @param {CallActions} actions
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
