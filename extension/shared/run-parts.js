/**
 * Checks the figures and files of a run of code, and drops whatever does not have the expected form. They are untrusted:
 * the code can forge the messages of the program that runs it, and anybody can write a file that is imported.
 */

import { cleanSvg } from "./svg.js";

/** @import { Figure, RunFile } from "./protocol.js" */

const IMAGES = ["png", "jpeg", "webp", "gif"];
const MOST_FIGURES = 8;
/** Characters: of a megabyte, also in base64. */
const LARGEST_FIGURE = 1_400_000;
/** Texts and elements in the HTML of a figure. */
const MOST_NODES = 10_000;
/** Levels of nested elements. */
const DEEPEST = 30;
const MOST_FILES = 10;
/** Characters of all files' contents: 2 MB in base64. */
const LARGEST_FILES = 2_700_000;
const LONGEST_NAME = 200;
/** Invisible characters: in a file's name they can disguise its extension. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/**
 * @param {any} raw
 * @returns {{figures?: Figure[], files?: RunFile[]}}  A list that would be empty is left out.
 */
export function cleanParts(raw) {
  const figures = list(raw?.figures).slice(0, MOST_FIGURES).flatMap(cleanFigure);
  const files = cleanFiles(list(raw?.files).slice(0, MOST_FILES));
  return { ...(figures.length > 0 ? { figures } : {}), ...(files.length > 0 ? { files } : {}) };
}

/** @param {any[]} files @returns {RunFile[]} */
function cleanFiles(files) {
  let room = LARGEST_FILES;
  return files
    .filter((file) => typeof file?.name === "string" && Number.isFinite(file.size))
    .map(({ name, size, base64 }) => {
      const isKept = isShortText(base64, room);
      if (isKept) room -= base64.length;
      return { name: name.replace(UNSEEN, "").slice(0, LONGEST_NAME), size, ...(isKept ? { base64 } : {}) };
    });
}

/**
 * @param {any} raw
 * @returns {Figure[]}
 */
function cleanFigure(raw) {
  if (raw?.type === "svg" && isShortText(raw.text)) return [{ type: "svg", text: cleanSvg(raw.text) ?? "" }];
  if (IMAGES.includes(raw?.type) && isShortText(raw.base64)) return [{ type: raw.type, base64: raw.base64 }];
  if (raw?.type === "html" && isShortText(raw.text)) {
    return [{ type: "html", text: raw.text, nodes: prune(list(raw.nodes), DEEPEST, { left: MOST_NODES }) }];
  }
  return [];
}

/**
 * @param {any[]} nodes
 * @param {number} depth
 * @param {{left: number}} room
 * @returns {any[]}
 */
function prune(nodes, depth, room) {
  return nodes.flatMap((node) => {
    if (room.left === 0) return [];
    room.left -= 1;
    return typeof node === "string" ? [node] : pruneElement(node, depth, room);
  });
}

/**
 * @param {any} node
 * @param {number} depth
 * @param {{left: number}} room
 * @returns {any[]}  One element, or none.
 */
function pruneElement(node, depth, room) {
  if (!Array.isArray(node) || typeof node[0] !== "string" || depth === 0) return [];
  const spans = ["colspan", "rowspan"].flatMap((name) => {
    const span = node[1]?.[name];
    return Number.isInteger(span) && span > 0 && span < 1000 ? [[name, span]] : [];
  });
  return [[node[0], Object.fromEntries(spans), prune(list(node[2]), depth - 1, room)]];
}

/** @param {unknown} value @param {number} [longest] */
function isShortText(value, longest = LARGEST_FIGURE) {
  return typeof value === "string" && value.length <= longest;
}

/** @param {unknown} value @returns {any[]} */
function list(value) {
  return Array.isArray(value) ? value : [];
}
