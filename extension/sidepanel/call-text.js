/**
 * What a call says that it will do, as it is shown.
 */

/**
 * Code is shown as it is, other arguments as JSON.
 * @param {string} text  The arguments.
 * @returns {{text: string, isCode: boolean}}
 */
export function argumentsText(text) {
  let value;
  try {
    value = JSON.parse(text);
  } catch {
    // It is shown as it came.
    return { text, isCode: false };
  }
  if (typeof value !== "object" || value === null) return { text, isCode: false };
  if (Object.keys(value).length === 0) return { text: "", isCode: false };
  const { code, ...others } = value;
  if (typeof code === "string" && Object.keys(others).length === 0) return { text: code, isCode: true };
  return { text: JSON.stringify(value, null, 2), isCode: false };
}

/**
 * The same of arguments of which only the beginning has come.
 * @param {string} text
 * @returns {string}
 */
export function argumentsSoFar(text) {
  const opening = /^\s*\{\s*"code"\s*:\s*"/.exec(text);
  if (!opening) return text;
  // Up to the closing quotation mark, or to an escape that is not whole yet.
  const [string] = /** @type {RegExpExecArray} */ (
    /^(?:[^"\\]+|\\u[\da-fA-F]{4}|\\[^u])*/.exec(text.slice(opening[0].length))
  );
  try {
    return JSON.parse(`"${string}"`);
  } catch {
    return text;
  }
}
