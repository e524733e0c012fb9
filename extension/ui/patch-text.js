/**
 * Text on the page, changed only where it differs, so that a selection in the rest of it holds.
 */

/**
 * How much two texts have in common at the beginning, and after that at the end.
 * @param {string} one
 * @param {string} other
 * @returns {{start: number, end: number}}
 */
function inCommon(one, other) {
  const shorter = Math.min(one.length, other.length);
  let start = 0;
  if (other.startsWith(one)) start = one.length;
  else while (start < shorter && one.charCodeAt(start) === other.charCodeAt(start)) start += 1;
  let end = 0;
  const most = shorter - start;
  while (end < most && one.charCodeAt(one.length - 1 - end) === other.charCodeAt(other.length - 1 - end)) end += 1;
  return { start, end };
}

/**
 * Changes a text only where it differs, so that a selection in the rest of it holds.
 * @param {Text} node
 * @param {string} text
 */
export function setData(node, text) {
  const { data } = node;
  if (data === text) return;
  const { start, end } = inCommon(data, text);
  const added = text.slice(start, text.length - end);
  if (start === data.length) node.appendData(added);
  else node.replaceData(start, data.length - start - end, added);
}

/**
 * Does the same for all text of an element, in whichever nodes it is, so that coloured code keeps its spans.
 * @param {Element} element
 * @param {string} text
 */
export function setText(element, text) {
  const only = element.firstChild;
  if (only && !only.nextSibling && only.nodeType === Node.TEXT_NODE) {
    setData(/** @type {Text} */ (only), text);
    return;
  }
  const current = element.textContent ?? "";
  if (current === text) return;
  const { start, end } = inCommon(current, text);
  let added = text.slice(start, text.length - end);
  const stop = current.length - end;
  let offset = 0;
  for (const node of textsOf(element)) {
    const { length } = node.data;
    const from = Math.min(Math.max(start - offset, 0), length);
    const to = Math.min(Math.max(stop - offset, 0), length);
    const isHere = start >= offset && start < offset + length;
    if (isHere || to > from) node.replaceData(from, to - from, isHere ? added : "");
    if (isHere) added = "";
    offset += length;
  }
  // Text at the end does not go into the span of the last word, which may have another colour.
  const last = element.lastChild;
  if (last?.nodeType === Node.TEXT_NODE) /** @type {Text} */ (last).appendData(added);
  else if (added) element.append(added);
}

/**
 * @param {Node} node
 * @returns {Text[]}
 */
function textsOf(node) {
  return [...node.childNodes].flatMap((child) =>
    child.nodeType === Node.TEXT_NODE ? [/** @type {Text} */ (child)] : textsOf(child),
  );
}
