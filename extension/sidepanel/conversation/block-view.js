/**
 * The pieces of an answer on the screen: one view per block, brought up to date once per frame.
 */

import { text as message } from "../../shared/text.js";
import { el } from "../../ui/dom.js";
import { GrowingText } from "../../ui/growing-text.js";
import { highlight } from "../../ui/highlight.js";
import { whenIdle } from "../../ui/idle.js";
import { MarkdownStream } from "../../ui/markdown/stream.js";
import { pointerIsUp } from "../../ui/pointer.js";
import { sourceList } from "../../ui/source-list.js";
import { offerRun } from "../tools/python-run.js";
import { ToolView } from "../tools/tool-view.js";
import { offerTools } from "./code-tools.js";
import { offerDiagram } from "./diagram.js";

/** @import {Block, Source} from "../../shared/protocol.js" */
/** @import {CallActions} from "../tools/tool-view.js" */

/**
 * @typedef {object} BlockView
 * @property {HTMLElement} root
 * @property {(block: Block, hasEnded?: boolean) => void} update  Its turn has ended, or not. Another block of the same
 *   kind may take the place of the last one: what is the same in both stays on the page.
 * @property {boolean} [isDrawn]  False while a part of it waits for the next frames.
 */

/**
 * @param {Block} block
 * @param {CallActions} actions
 * @param {() => void} [onDrawn]  Called when what had waited for the next frames is drawn.
 * @returns {BlockView}
 */
export function createBlockView(block, actions, onDrawn = () => {}) {
  switch (block.kind) {
    case "reasoning":
      return new ReasoningView(onDrawn);
    case "refusal":
      return new RefusalView();
    case "tool":
      return new ToolView(actions);
    default:
      return new TextView(onDrawn);
  }
}

/** @type {Source[]} */
const NONE = [];

/** Markdown in an element, following a text that grows, ends, goes on or becomes another one. */
class GrowingMarkdown {
  root = el("div", { class: "markdown" });
  #stream;
  /** The block whose text is drawn. @type {Block | null} */
  #block = null;
  #text = "";
  #isOpen = true;

  /** @param {() => void} onDone */
  constructor(onDone) {
    this.#stream = new MarkdownStream(this.root, {
      onDone,
      onCode: (code) =>
        whenIdle(async () => {
          // More buttons may move those that are there.
          await pointerIsUp();
          offerRun(code);
          offerDiagram(code);
          offerTools(code);
          highlight(code);
        }),
    });
  }

  get isDrawn() {
    return this.#stream.isDrawn;
  }

  /** @param {Block} block */
  update(block) {
    const { text, open } = block;
    // A block that stays the same object has only grown: nobody need compare what may be long.
    const hasGrown = block === this.#block || text.startsWith(this.#text);
    if (!hasGrown) this.#stream.replace(text);
    else if (text.length > this.#text.length) this.#stream.append(text.slice(this.#text.length));
    const isChanged = !hasGrown || text.length !== this.#text.length || open !== this.#isOpen;
    this.#block = block;
    this.#text = text;
    this.#isOpen = open;
    if (!isChanged) return;
    if (open) this.#stream.draw();
    else this.#stream.finish();
  }
}

/** The assistant's words, with their citations. */
class TextView {
  #markdown;
  root;
  /** @type {HTMLElement | null} */
  #citations = null;
  #sources = NONE;

  /** @param {() => void} onDrawn */
  constructor(onDrawn) {
    this.#markdown = new GrowingMarkdown(onDrawn);
    this.root = el("div", { class: "text" }, this.#markdown.root);
  }

  get isDrawn() {
    return this.#markdown.isDrawn;
  }

  /** @param {Block} block */
  update(block) {
    this.#markdown.update(block);
    this.root.hidden = !block.text;
    const { citations = NONE } = block;
    if (citations === this.#sources) return;
    this.#sources = citations;
    this.#citations = sourceList(citations, message("conversation_sources"), this.#citations);
    if (!this.#citations.isConnected) this.root.append(this.#citations);
    this.#citations.hidden = citations.length === 0;
  }
}

/** What the model thought, folded. */
class ReasoningView {
  #markdown;
  root;

  /** @param {() => void} onDrawn */
  constructor(onDrawn) {
    this.#markdown = new GrowingMarkdown(onDrawn);
    const summary = el("summary", {}, el("span", { class: "aside-title" }, message("conversation_reasoning")));
    this.root = el("details", { class: "aside reasoning" }, summary, this.#markdown.root);
  }

  get isDrawn() {
    return this.#markdown.isDrawn;
  }

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
