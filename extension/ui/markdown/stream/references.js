/**
 * The definitions of links and footnotes in the frozen text, and the parts that refer to them. A definition holds for
 * the whole text, so a part that is frozen already is drawn again when a definition for it arrives.
 */

/** @import {BlockNode, parse} from "../../../shared/markdown/parse.js" */
/** @import {Mounted} from "../patch.js" */
/** @import {Level} from "./levels.js" */

/**
 * A frozen part whose brackets may become links when a definition arrives.
 * @typedef {object} Waiting
 * @property {number} start
 * @property {string} text  With its head.
 * @property {Level[]} levels
 * @property {Mounted} mounted
 */

export class References {
  #parse;
  /** @type {Record<string, any>} */
  #definitions = Object.create(null);
  /** Where each definition is. @type {{label: string, start: number}[]} */
  #defined = [];
  /** The labels of footnotes, and where they are defined. @type {Map<string, number>} */
  #footnotes = new Map();
  /**
   * The labels that frozen parts refer to, and where first: their definitions are not shown.
   * @type {Map<string, number>}
   */
  #uses = new Map();
  /** The parts that wait for a definition, by its label. @type {Map<string, Set<Waiting>>} */
  #waiting = new Map();
  /** The parts whose definition has arrived. @type {Set<Waiting>} */
  #late = new Set();

  /** @param {typeof parse} parser */
  constructor(parser) {
    this.#parse = parser;
  }

  /** Whether there are parts to draw again. */
  get hasLate() {
    return this.#late.size > 0;
  }

  /** A part that is to be drawn again, which is then done. @returns {Waiting | undefined} */
  takeLate() {
    const [late] = this.#late;
    if (late) this.#late.delete(late);
    return late;
  }

  /** What the parser has to know of the text before the tail. */
  known() {
    return {
      definitions: Object.create(this.#definitions),
      uses: new Set(this.#uses.keys()),
      footnotes: new Set(this.#footnotes.keys()),
    };
  }

  /**
   * Keeps which labels a frozen part refers to.
   * @param {BlockNode} node
   * @param {number} start
   */
  addUses(node, start) {
    for (const label of node.uses ?? []) if (!this.#uses.has(label)) this.#uses.set(label, start);
  }

  /**
   * Takes in the definitions of a frozen part.
   * @param {string} text  With its head.
   * @param {number} start
   */
  define(text, start) {
    const known = new Set(Object.keys(this.#definitions));
    try {
      /** @type {Set<string>} */
      const footnotes = new Set();
      this.#parse(text, { definitions: this.#definitions, footnotes });
      for (const label of footnotes) if (!this.#footnotes.has(label)) this.#footnotes.set(label, start);
    } catch {
      return; // It is shown as it is written.
    }
    for (const label of Object.keys(this.#definitions)) {
      if (known.has(label)) continue;
      this.#defined.push({ label, start });
      for (const part of this.#waiting.get(label) ?? []) this.#late.add(part);
      this.#waiting.delete(label);
    }
  }

  /**
   * Lets a frozen part wait for the definitions that its brackets may refer to.
   * @param {Waiting} part
   * @param {string} text  Without its head.
   */
  await(part, text) {
    for (const [, label] of text.matchAll(/\[([^[\]]{1,200})\]/g)) {
      const name = normalised(label);
      if (name in this.#definitions) continue;
      const parts = this.#waiting.get(name) ?? new Set();
      this.#waiting.set(name, parts.add(part));
    }
  }

  /**
   * Where the first part is that refers to a definition from a place on: it has to be drawn without it when the text
   * from there on changes. The place itself when nothing before it does.
   * @param {number} start
   * @returns {number}
   */
  firstUse(start) {
    const gone = this.#defined.filter((one) => one.start >= start).map((one) => one.label);
    return gone.reduce((least, label) => Math.min(least, this.#uses.get(label) ?? start), start);
  }

  /**
   * Forgets the text from a place on.
   * @param {number} start
   */
  forget(start) {
    for (const one of this.#defined) if (one.start >= start) delete this.#definitions[one.label];
    this.#defined = this.#defined.filter((one) => one.start < start);
    for (const labels of [this.#uses, this.#footnotes]) {
      for (const [label, at] of labels) if (at >= start) labels.delete(label);
    }
    for (const parts of this.#waiting.values()) for (const part of parts) if (part.start >= start) parts.delete(part);
    for (const part of this.#late) if (part.start >= start) this.#late.delete(part);
  }
}

/**
 * A label as markdown-it compares them.
 * @param {string} label
 */
function normalised(label) {
  return label.trim().replace(/\s+/g, " ").toLowerCase().toUpperCase();
}
