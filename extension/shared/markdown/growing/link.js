/**
 * A link that is still open where the text ends is drawn as a link without an address.
 */

import { isGrowing, isTop } from "../state.js";

/** @import {StateInline} from "../../../vendor/markdown-it.js" */

/** A label, and what has arrived of the address or of the reference after it. */
const OPEN_LINK = /\[((?:[^[\]\\\n]|\\.){1,300})(?:\](\((?:[^()\n]|\([^()\n]*\))*(?:\([^()\n]*)?|\[[^[\]\n]*)?)?$/y;

/**
 * Draws a link by its text, and nothing of an image.
 * @param {StateInline} state
 * @param {boolean} silent
 * @returns {boolean}
 */
export function openLink(state, silent) {
  if (silent || !isGrowing(state) || !isTop(state)) return false;
  const isImage = state.src[state.pos] === "!";
  const start = state.pos + (isImage ? 1 : 0);
  if (state.src[start] !== "[") return false;
  OPEN_LINK.lastIndex = start;
  const found = OPEN_LINK.exec(state.src);
  if (!found) return false;
  const [whole, label, destination] = found;
  if (!destination && /[\w\])]/.test(state.src[state.pos - 1] ?? " ")) return false;
  if (isImage) {
    state.pos = state.posMax;
    return true;
  }
  if (!whole.slice(label.length + 1).startsWith("]")) {
    state.pos = start + 1;
    return true;
  }
  const { posMax } = state;
  const open = state.push("link_open", "a", 1);
  open.attrs = [["href", ""]];
  open.info = "open";
  state.pos = start + 1;
  state.posMax = start + 1 + label.length;
  state.linkLevel += 1;
  state.md.inline.tokenize(state);
  state.linkLevel -= 1;
  state.push("link_close", "a", -1);
  state.posMax = posMax;
  state.pos = posMax;
  return true;
}
