/** The selection as places in a text, which hold when the nodes of the text are made anew. */

/**
 * Changes the nodes inside an element, and not its text: what is selected stays selected.
 * @param {HTMLElement} element
 * @param {() => void} change
 */
export function keepSelection(element, change) {
  const selection = getSelection();
  const { anchorNode, anchorOffset, focusNode, focusOffset } = selection ?? {};
  const anchor = offsetIn(element, anchorNode, anchorOffset);
  const focus = offsetIn(element, focusNode, focusOffset);
  change();
  if (!selection || !anchorNode || !focusNode || (anchor === undefined && focus === undefined)) return;
  const from = anchor === undefined ? { node: anchorNode, offset: anchorOffset ?? 0 } : placeOf(element, anchor);
  const to = focus === undefined ? { node: focusNode, offset: focusOffset ?? 0 } : placeOf(element, focus);
  selection.setBaseAndExtent(from.node, from.offset, to.node, to.offset);
}

/**
 * @param {HTMLElement} element
 * @param {Node | null} [node]
 * @param {number} [offset]
 * @returns {number | undefined}  How much of the element's text is before that place; undefined if it is not in there.
 */
function offsetIn(element, node, offset = 0) {
  if (!node || !element.contains(node)) return undefined;
  const before = document.createRange();
  before.setStart(element, 0);
  before.setEnd(node, offset);
  return before.toString().length;
}

/**
 * @param {HTMLElement} element
 * @param {number} offset
 * @returns {{node: Node, offset: number}}
 */
export function placeOf(element, offset) {
  const texts = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  let left = offset;
  for (let text = texts.nextNode(); text; text = texts.nextNode()) {
    const { length } = /** @type {Text} */ (text);
    if (left <= length) return { node: text, offset: left };
    left -= length;
  }
  return { node: element, offset: element.childNodes.length };
}
