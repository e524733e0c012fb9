/**
 * A table is drawn as soon as its header is there, before the row of dashes that would make it one.
 */

/** A line with more pipes is no header. */
const MOST_CELLS = 100;

/**
 * The text with a delimiter row added after its last line; null where that line is no header of a table.
 * @param {string} text  Up to the end of the header's line.
 * @param {string} held  What has arrived of the next line.
 * @returns {string | null}
 */
export function withDelimiterRow(text, held) {
  const line = text.slice(text.lastIndexOf("\n", text.length - 2) + 1).trimEnd();
  const [prefix] = /** @type {RegExpExecArray} */ (/^[ \t>]*/.exec(line));
  const header = line.slice(prefix.length);
  const isNamed = /^[ \t>]*(?:\||:?-+:?[ \t]*\|)/.test(held) && header.includes("|");
  if (!header.startsWith("|") && !isNamed) return null;
  const cells = header.replace(/\\\|/g, "").replace(/^\|/, "").replace(/\|$/, "").split("|").length;
  if (cells > MOST_CELLS) return null;
  return `${text.trimEnd()}\n${prefix}|${"---|".repeat(cells)}\n`;
}
