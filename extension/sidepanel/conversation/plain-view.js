/**
 * What cannot be drawn as it should be, as plain text with a word about it: it takes nothing else along, and a question
 * is asked all the same.
 */

import { text as message } from "../../shared/text.js";
import { el } from "../../ui/dom.js";
import { revealed } from "../../ui/revealed.js";

/** @import {Block, Turn} from "../../shared/protocol.js" */
/** @import {CallActions} from "../tools/tool-view.js" */

/** Characters that are shown: in one piece, more would keep the page busy. */
const MOST = 200_000;
const NOTE = message("conversation_plain");

/** @param {unknown} value */
function textOf(value) {
  const text = typeof value === "string" ? value : "";
  return text.length > MOST ? `${text.slice(0, MOST).toWellFormed()}…` : text;
}

/** A block of any kind. */
export class PlainView {
  #text = el("pre", { class: "plain", dir: "auto" });
  /** @type {HTMLElement | null} */
  #question = null;
  root = el("div", { class: "undrawn" }, el("p", { role: "note" }, NOTE), this.#text);
  /** @type {Pick<CallActions, "decide">} */
  #actions;

  /** @param {Pick<CallActions, "decide">} actions */
  constructor(actions) {
    this.#actions = actions;
  }

  /** @param {Block} block */
  update(block) {
    const parts = [block.name, block.text, block.output].map(textOf).filter(Boolean);
    const text = block.kind === "tool" ? revealed(parts.join("\n\n")) : parts.join("\n\n");
    if (this.#text.textContent !== text) this.#text.textContent = text;
    if (Boolean(block.asks) === Boolean(this.#question)) return;
    this.#question?.remove();
    this.#question = block.asks ? this.#ask(String(block.call_id ?? "")) : null;
    if (this.#question) this.root.append(this.#question);
  }

  /** What is not seen as it will be done can be refused, and not allowed. @param {string} call */
  #ask(call) {
    const refuse = () => this.#actions.decide(call, { allow: false });
    const text = message("tool_ask_not_drawn");
    return el(
      "div",
      {
        class: "ask note-box",
        role: "group",
        "aria-label": message("tool_permission"),
        tabindex: -1,
        "data-call": call,
      },
      el("p", { role: "alert" }, text),
      el("div", { class: "actions" }, el("button", { type: "button", onclick: refuse }, message("tool_refuse"))),
    );
  }
}

/** A turn: its message and its answer. */
export class PlainTurn {
  #question = el("pre", { class: "plain", dir: "auto" });
  #answer = el("pre", { class: "plain", dir: "auto" });
  nodes = [
    el(
      "article",
      { class: "user-message", "aria-label": message("conversation_you") },
      el("p", { role: "note" }, NOTE),
      this.#question,
    ),
    el(
      "article",
      { class: "answer", "aria-label": message("conversation_assistant") },
      el("p", { role: "note" }, NOTE),
      this.#answer,
    ),
  ];

  /** @param {Turn} turn */
  update(turn) {
    const blocks = Array.isArray(turn.blocks) ? turn.blocks : [];
    const parts = blocks.flatMap((block) => [block?.name, block?.text, block?.output]).map(textOf);
    const answer = textOf(parts.filter(Boolean).join("\n\n"));
    const user = textOf(turn.user);
    if (this.#question.textContent !== user) this.#question.textContent = user;
    if (this.#answer.textContent !== answer) this.#answer.textContent = answer;
  }

  /** As a `TurnView` has it: there are no other versions here. */
  focusVersions() {}

  remove() {
    for (const node of this.nodes) node.remove();
  }
}
