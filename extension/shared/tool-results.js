/**
 * What a call of the provider's own tools has to show: images, and what was found. It is made of the finished item by
 * whoever gives or gets it, and not kept beside it: an image in base64 takes megabytes. Python makes the same of the
 * same items (`session/tool_results.py`).
 */

/** @import {Block, Figure, RunFile, Source, Turn} from "./protocol.js" */

/** So many pages or files of one call are named. */
const MAX_SOURCES = 100;

/** Characters of images and files that a panel is given with a conversation; see `session/tool_results.py`. */
const MAX_SHOWN = 12_000_000;

/** How images begin, in base64. SVG is not among them: it is a document. */
const BEGINNINGS = /** @type {const} */ ([
  ["iVBORw0KGgo", "png"],
  ["/9j/", "jpeg"],
  ["UklGR", "webp"],
  ["R0lGOD", "gif"],
]);

/**
 * @param {Record<string, any>} item  A finished one.
 * @returns {NonNullable<Block["shown"]> | undefined}
 */
export function shownOf(item) {
  /** @type {Figure[]} */
  const figures = [];
  /** @type {RunFile[]} */
  const files = [];
  /** @type {Record<string, unknown>[]} */
  const sources = [];
  const addImage = (/** @type {unknown} */ base64) => {
    if (typeof base64 !== "string" || !base64) return;
    const [, type] = BEGINNINGS.find(([beginning]) => base64.startsWith(beginning)) ?? [];
    if (type) figures.push({ type, base64 });
    else files.push({ name: "image", size: Math.floor((base64.length * 3) / 4), base64 });
  };
  switch (item.type) {
    case "image_generation_call":
      addImage(item.result);
      break;
    case "code_interpreter_call":
      for (const { type, url } of objectsIn(item.outputs)) {
        if (type !== "image" || typeof url !== "string") continue;
        const inline = /^data:image\/[\w.+-]+;base64,/.exec(url);
        if (inline) addImage(url.slice(inline[0].length));
        else sources.push({ url, title: `Image ${figures.length + sources.length + 1}` });
      }
      break;
    case "file_search_call":
      for (const { filename } of objectsIn(item.results)) sources.push({ title: filename });
      break;
    case "web_search_call":
      for (const { url, name } of objectsIn(item.action?.sources)) sources.push({ url, title: name });
      break;
  }
  const parts = Object.entries({ figures, files, sources: named(sources) }).filter(([, part]) => part.length > 0);
  return parts.length > 0 ? Object.fromEntries(parts) : undefined;
}

/** @param {unknown} list @returns {Record<string, any>[]} */
function objectsIn(list) {
  return Array.isArray(list) ? list.filter((each) => typeof each === "object" && each) : [];
}

/**
 * Those with an address or a name, each once.
 * @param {Record<string, unknown>[]} sources
 * @returns {Source[]}
 */
function named(sources) {
  /** @type {Map<string, Source>} */
  const known = new Map();
  for (const { url, title } of sources) {
    /** @type {Source} */
    const source = {};
    if (typeof url === "string" && url) source.url = url;
    if (typeof title === "string" && title) source.title = title;
    if (source.url || source.title) known.set(JSON.stringify(source), source);
  }
  return [...known.values()].slice(0, MAX_SOURCES);
}

/**
 * Gives a turn's blocks what the finished items behind them have to show.
 * @template {Block} B
 * @param {B[]} blocks
 * @param {Record<string, any>[]} [items]
 * @returns {B[]}
 */
export function withShown(blocks, items = []) {
  /** @type {Map<string, Record<string, any>[]>} */
  const finished = new Map();
  for (const item of items) {
    if (!/_call$/.test(item.type)) continue;
    const id = item.id || item.call_id || "";
    const same = finished.get(id);
    if (same) same.push(item);
    else finished.set(id, [item]);
  }
  // The last one of each is at its end then: taking the first one away moves all others.
  for (const same of finished.values()) same.reverse();
  return blocks.map((block) => {
    const item = block.kind === "tool" && finished.get(block.item_id ?? "")?.pop();
    const shown = item && shownOf(item);
    return shown ? { ...block, shown } : block;
  });
}

/**
 * Takes out of turns what a message has no room for, the latest first; `held_back` says so in its place.
 * @param {Turn[]} turns
 */
export function holdBack(turns) {
  let room = MAX_SHOWN;
  for (const block of turns.flatMap(({ blocks }) => blocks).reverse()) {
    if (!block.shown) continue;
    const { figures = [], files = [], sources } = block.shown;
    const size = [...figures, ...files].reduce((sum, part) => sum + lengthOf(part), 0);
    if (size <= room) room -= size;
    else block.shown = { ...(sources ? { sources } : {}), held_back: true };
  }
}

/** @param {{base64?: string, text?: string}} part */
function lengthOf({ base64, text }) {
  return (base64 ?? text ?? "").length;
}
