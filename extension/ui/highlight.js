/**
 * Colours for finished code blocks. A worker says what has which colour; here the nodes are made, a piece at a time,
 * without a change to the text, to what is selected in it, or under a pressed mouse button.
 */

import { moduleForText } from "../shared/languages.js";
import { el } from "./dom.js";
import { hasLongLine } from "./growing-text.js";
import { whenIdle } from "./idle.js";
import { pointerIsUp } from "./pointer.js";
import { keepSelection } from "./selection.js";

/** @import { ColouredRange } from "./code-colours.js" */

/** Longer code keeps one colour, because each coloured word would be an element. */
const LONGEST = 60_000;
/** The expressions of a language are stopped when they need longer than this for a text. */
const TIME_LIMIT_MS = 2000;
/** A worker is ended when it was not used for this time. */
const IDLE_MS = 30_000;
/** The number of coloured words that are made at a time. */
const SLICE = 1000;

/**
 * What waits for its colours, and under way the first of them.
 * @type {{module: string, text: string, resolve: (ranges: ColouredRange[]) => void}[]}
 */
const queue = [];
/** @type {Worker | undefined} */
let worker;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;
/** @type {{createScriptURL: (url: string) => any} | undefined} */
let policy;

/**
 * Colours a code element that says its language in `data-language`; an unknown one is left alone.
 * @param {HTMLElement} code
 * @returns {Promise<void>}
 */
export async function highlight(code) {
  const text = code.textContent ?? "";
  if (!text || text.length > LONGEST || hasLongLine(text)) return;
  const module = moduleForText(code.dataset.language ?? "", text);
  if (!module || module === "plaintext") return;
  const ranges = await rangesOf(module, text);
  for (let at = 0; at < ranges.length; at += SLICE) {
    if (at > 0) await new Promise((/** @type {(value: void) => void} */ resolve) => whenIdle(() => resolve()));
    await pointerIsUp();
    // It has grown since, and is asked for again.
    if (!code.isConnected || code.textContent !== text) return;
    const slice = ranges.slice(at, at + SLICE);
    keepSelection(code, () => paint(code, text, at === 0 ? 0 : ranges[at - 1][1], slice));
  }
}

/**
 * Makes spans of ranges. What follows the last one stays in one text node, at the end.
 * @param {HTMLElement} code
 * @param {string} text
 * @param {number} from  Where the text begins that has no spans yet.
 * @param {ColouredRange[]} ranges
 */
export function paint(code, text, from, ranges) {
  if (from === 0) code.textContent = text;
  const rest = /** @type {Text} */ (code.lastChild);
  let offset = from;
  for (const [start, end, scope] of ranges) {
    if (start > offset) code.insertBefore(document.createTextNode(text.slice(offset, start)), rest);
    code.insertBefore(el("span", { class: `hl-${scope}` }, text.slice(start, end)), rest);
    offset = end;
  }
  if (offset === text.length) rest.remove();
  else rest.data = text.slice(offset);
}

/**
 * @param {string} module
 * @param {string} text
 * @returns {Promise<ColouredRange[]>}  None if it took too long.
 */
function rangesOf(module, text) {
  return new Promise((resolve) => {
    queue.push({ module, text, resolve });
    if (queue.length === 1) askNext();
  });
}

function askNext() {
  clearTimeout(timer);
  const [next] = queue;
  if (!next) {
    timer = setTimeout(endWorker, IDLE_MS);
    return;
  }
  worker ??= startWorker();
  worker.postMessage({ module: next.module, text: next.text });
}

/** @param {ColouredRange[]} ranges */
function answer(ranges) {
  queue.shift()?.resolve(ranges);
  askNext();
}

function startWorker() {
  // Trusted Types require a policy, which allows our own file and no other.
  policy ??= /** @type {any} */ (globalThis).trustedTypes?.createPolicy("highlight-worker", {
    createScriptURL: () => new URL("highlight-worker.js", import.meta.url).href,
  }) ?? { createScriptURL: (url) => url };
  const started = new Worker(policy?.createScriptURL(""), { type: "module" });
  started.addEventListener("message", ({ data }) => {
    if (data.type === "Begun") timer = setTimeout(giveUp, TIME_LIMIT_MS);
    else answer(data.type === "Done" ? data.ranges : []);
  });
  started.addEventListener("error", giveUp);
  return started;
}

function giveUp() {
  endWorker();
  answer([]);
}

function endWorker() {
  worker?.terminate();
  worker = undefined;
}
