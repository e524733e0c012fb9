/**
 * Diagrams in a sandboxed frame of their own, one after the other. What comes out of it is untrusted: it is taken field
 * by field, within bounds. Mermaid fills some 50 MB, so the frame is removed when it was not used for a while.
 */

import { cleanSvg } from "../shared/svg.js";

/** @import { RawDiagram } from "../shared/protocol.js" */

/** A frame that takes longer to load has failed, and a drawing that takes longer is ended with its frame. */
const START_MS = 30_000;
const TIME_LIMIT_MS = 15_000;
const IDLE_MS = 60_000;
/** Of one picture, in characters, and in CSS pixels. */
const LONGEST_SVG = 4_000_000;
const LARGEST = 20_000;
const LONGEST_ERROR = 1_500;

/** @type {Frame | undefined} */
let frame;
/** @type {Promise<unknown>} */
let last = Promise.resolve();
/** @type {ReturnType<typeof setTimeout> | undefined} */
let idle;

/**
 * Draws a diagram after those that were asked for before.
 * @param {string} text
 * @param {boolean} dark
 * @returns {Promise<RawDiagram>}
 */
export function draw(text, dark) {
  clearTimeout(idle);
  const drawn = last.then(() => drawNow(text, dark));
  last = drawn.then(() => {
    clearTimeout(idle);
    idle = setTimeout(removeFrame, IDLE_MS);
  });
  return drawn;
}

/**
 * @param {string} text
 * @param {boolean} dark
 * @returns {Promise<RawDiagram>}
 */
async function drawNow(text, dark) {
  frame ??= new Frame();
  if (!(await frame.ready)) {
    removeFrame();
    return { failure: "not_started" };
  }
  const answer = await frame.ask({ text, dark });
  if (!answer) {
    removeFrame();
    return { failure: "timeout" };
  }
  if (typeof answer.error === "string") return { failure: "failed", details: answer.error.slice(0, LONGEST_ERROR) };
  const { svg, width, height } = answer;
  if (typeof svg !== "string" || !svg.startsWith("<svg") || svg.length > LONGEST_SVG) {
    return { failure: "too_large" };
  }
  const clean = cleanSvg(svg, { isDiagram: true });
  if (!clean) return { failure: "not_showable" };
  return { svg: clean, width: size(width), height: size(height) };
}

/** @param {unknown} pixels */
function size(pixels) {
  return Math.min(Math.max(Math.ceil(Number(pixels) || 0), 1), LARGEST);
}

function removeFrame() {
  frame?.remove();
  frame = undefined;
}

class Frame {
  #element = document.createElement("iframe");
  #count = 0;
  /** Resolves to undefined if it does not start in time. */
  ready = this.#hear("ready", START_MS);

  constructor() {
    this.#element.setAttribute("sandbox", "allow-scripts");
    this.#element.setAttribute("credentialless", "");
    // Some diagrams take the room that there is.
    this.#element.width = "800";
    this.#element.height = "600";
    this.#element.src = "diagram.html";
    document.body.append(this.#element);
    // Nobody sees this document, so it is not laid out of itself, and the frame would have no room in which to measure
    // text.
    this.#element.getBoundingClientRect();
  }

  /**
   * @param {{text: string, dark: boolean}} request
   * @returns {Promise<any>}  What the frame answers; undefined if it does not in time.
   */
  ask(request) {
    this.#count += 1;
    const id = String(this.#count);
    const answer = this.#hear(id, TIME_LIMIT_MS);
    // An opaque origin has no name by which it could be addressed.
    this.#element.contentWindow?.postMessage({ id, ...request }, "*");
    return answer;
  }

  /**
   * @param {string} id
   * @param {number} time  In milliseconds.
   * @returns {Promise<any>}
   */
  #hear(id, time) {
    return new Promise((resolve) => {
      const over = new AbortController();
      const timer = setTimeout(() => done(undefined), time);
      /** @param {unknown} data */
      const done = (data) => {
        clearTimeout(timer);
        over.abort();
        resolve(data);
      };
      const hear = (/** @type {MessageEvent} */ { source, data }) => {
        if (source === this.#element.contentWindow && data?.id === id) done(data);
      };
      addEventListener("message", hear, { signal: over.signal });
    });
  }

  remove() {
    this.#element.remove();
  }
}
