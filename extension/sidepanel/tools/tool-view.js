/** A tool's call on the screen: what it does, the question whether it may, and what it gave. */

import { text as message } from "../../shared/text.js";
import { el, icon } from "../../ui/dom.js";
import { GrowingText } from "../../ui/growing-text.js";
import { highlight } from "../../ui/highlight.js";
import { whenIdle } from "../../ui/idle.js";
import { sourceList } from "../../ui/source-list.js";
import { artifactViews } from "./artifacts.js";
import { askText, callLine, questionName, readsPage } from "./call-labels.js";
import { aboutArguments, argumentsSoFar, argumentsText, codeInShort } from "./call-text.js";
import { AskedPage } from "./page-question.js";
import { ReadToEnd } from "./read-to-end.js";

/** @import {Block, Shown} from "../../shared/protocol.js" */

/**
 * @typedef {object} CallActions
 * @property {(call: string, decision: {allow: boolean, always?: true, never?: true, page?: string}) => void} decide
 *   The user's word on a call that asks.
 * @property {() => string[]} hosts  Those that Python may reach.
 * @property {(block: Block) => Promise<Shown>} artifactsOf  What a block has to show that came without.
 */

/** One line for a tool's call; what it is called with and what it gave unfold. */
export class ToolView {
  #title = el("span", { class: "aside-title" });
  /** Tells one call of Python from the next, while they are folded. */
  #hint = el("code", { class: "aside-hint" });
  #state = el("span", { class: "aside-state" });
  #code = el("code", { "data-language": "python" });
  #pre = el("pre", { class: "arguments" }, this.#code);
  #text = new GrowingText(this.#code);
  /** The text that is coloured: it stays, unless there is another one. @type {string | null} */
  #coloured = null;
  #output = el("pre", { class: "output", "aria-label": message("tool_output"), hidden: true });
  #outputText = new GrowingText(this.#output);
  #summary = el("summary", {}, icon("tool"), this.#title, this.#hint, this.#state);
  #details = el("details", { class: "aside tool" }, this.#summary, this.#pre, this.#output);
  /** The user has folded or unfolded it. */
  #isSet = false;
  #isShown = false;
  /** @type {HTMLElement | null} */
  #question = null;
  /** @type {AskedPage | null} */
  #page = null;
  /** @type {ReadToEnd | null} */
  #reading = null;
  #shown = el("div", { class: "run-parts", hidden: true });
  root = el("div", { class: "call" }, this.#details, this.#shown);
  /** @type {CallActions} */
  #actions;

  /** @param {CallActions} actions */
  constructor(actions) {
    this.#actions = actions;
    this.#summary.addEventListener("click", () => {
      this.#isSet = true;
    });
  }

  /** @param {Block} block @param {boolean} [hasEnded]  Its turn has. */
  update(block, hasEnded) {
    const { title, state } = callLine(block, hasEnded);
    // What is pressed or selected there stays, as long as it says the same.
    if (this.#title.textContent !== title) this.#title.textContent = this.#title.title = title;
    if (this.#state.textContent !== state) this.#state.textContent = state;
    this.#showArguments(block);
    this.#details.classList.toggle("open", block.open);
    // Code that runs elsewhere is in view as long as it is written and runs.
    if (block.name === "code_interpreter" && !this.#isSet) this.#details.open = block.open;
    this.#output.hidden = !block.output;
    this.#outputText.update(block.output ?? "");
    this.#output.classList.toggle("failed", Boolean(block.failed));
    if (block.shown && !this.#isShown) {
      this.#isShown = true;
      const { sources = [] } = block.shown;
      if (sources.length > 0) this.#details.append(sourceList(sources, message("tool_found")));
      this.#show(block, block.shown);
    }
    if (Boolean(block.asks) !== Boolean(this.#question)) this.#ask(block);
  }

  /** @param {Block} block @param {Shown} shown */
  #show(block, shown) {
    const description = block.name === "image_generation" ? block.text : undefined;
    const parts = shown.held_back ? [this.#offerToLoad(block)] : artifactViews(shown, description);
    this.#shown.replaceChildren(...parts);
    this.#shown.hidden = parts.length === 0;
  }

  /**
   * The way to what came without: a long conversation's older images.
   * @param {Block} block
   */
  #offerToLoad(block) {
    const note = el("span", { class: "hint", role: "status" });
    const load = async () => {
      button.disabled = true;
      try {
        this.#show(block, await this.#actions.artifactsOf(block));
      } catch (error) {
        button.disabled = false;
        note.textContent = error instanceof Error ? error.message : String(error);
      }
    };
    const label = message(block.name === "image_generation" ? "tool_show_image" : "tool_show_artifacts");
    const button = el("button", { type: "button", onclick: load }, label);
    return el("div", { class: "held-back" }, button, note);
  }

  /** @param {Block} block */
  #showArguments(block) {
    if (this.#coloured === block.text) return;
    this.#coloured = null;
    if (!block.call_id) {
      // The provider tells of its own calls in words, and of its interpreter's in code.
      this.#text.update(block.text);
      this.#pre.hidden = !block.text;
      if (block.name === "code_interpreter" && !block.open && block.text) this.#colour(block);
    } else if (block.open) {
      this.#text.update(argumentsSoFar(block.text));
    } else {
      const { text, isCode } = argumentsText(block.text);
      this.#text.update(text);
      this.#pre.hidden = !text;
      if (!isCode) return;
      this.#hint.textContent = codeInShort(text);
      this.#colour(block);
    }
  }

  /** @param {Block} block */
  #colour({ text }) {
    this.#coloured = text;
    whenIdle(() => highlight(this.#code));
  }

  /** What is read must be what is in view when the user says yes. */
  get #agreedPage() {
    return this.#page ? { page: this.#page.name } : {};
  }

  /** @param {Block} block */
  #ask({ asks, call_id = "", name = "", text }) {
    this.#question?.remove();
    this.#question = null;
    this.#page?.close();
    this.#page = null;
    this.#reading?.close();
    this.#reading = null;
    // What will be done is to be seen by whoever allows it.
    this.#details.open = Boolean(asks);
    if (!asks) return;
    const { decide, hosts } = this.#actions;
    // The second click of a double one is not meant for the call that may stand there by then.
    /** @param {Parameters<typeof decide>[1]} decision @returns {(event: MouseEvent) => void} */
    const act = (decision) => (event) => {
      if (event.detail < 2 && (isRead() || !decision.allow)) decide(call_id, { ...decision, ...this.#agreedPage });
    };
    /** @param {string} label @param {Parameters<typeof decide>[1]} decision */
    const button = (label, decision) => el("button", { type: "button", onclick: act(decision) }, label);
    if (readsPage(name)) this.#page = new AskedPage();
    const allowing = [
      button(message("tool_allow_once"), { allow: true }),
      button(message("tool_allow_always"), { allow: true, always: true }),
    ];
    const [once, always] = allowing;
    const reading = this.#pre.hidden ? null : new ReadToEnd(this.#pre, () => setAllowable(true));
    const isRead = () => reading?.isRead ?? true;
    // They can be reached all the same, and say what they wait for.
    const setAllowable = (/** @type {boolean} */ can) => {
      for (const each of allowing) {
        each.setAttribute("aria-disabled", String(!can));
        if (reading) each.setAttribute("aria-describedby", reading.root.id);
      }
    };
    setAllowable(isRead());
    this.#reading = reading;
    this.#question = el(
      "div",
      {
        class: "ask note-box",
        role: "group",
        "aria-label": questionName(name),
        tabindex: -1,
        "data-call": call_id,
      },
      el("p", { role: "alert" }, askText(name, hosts(), aboutArguments(text))),
      this.#page?.root,
      reading?.root,
      el(
        "div",
        { class: "actions" },
        once,
        button(message("tool_refuse"), { allow: false }),
        always,
        button(message("tool_refuse_always"), { allow: false, never: true }),
      ),
    );
    this.root.append(this.#question);
  }
}
