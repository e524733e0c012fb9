/**
 * The console is the only log. What goes there is redacted first: an error may quote a header or a URL.
 */

const SECRETS = [
  [/\b(bearer|basic)\s+[\w.~+/=-]{8,}/gi, "$1 [redacted]"],
  [/\b((?:sk|rk|pk|gsk|hf|xai|sess)[-_])[\w-]{6,}/g, "$1[redacted]"],
  [/\beyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]+)?/g, "[redacted]"],
  [
    /\b((?:api[-_]?key|authorization|access_token|refresh_token|password|passphrase)["']?\s*[:=]\s*["']?)[^\s"',;&]+/gi,
    "$1[redacted]",
  ],
];

/** Characters of one text in the log. */
const LONGEST = 8_000;

/**
 * The text without anything that looks like a key, a token or a password.
 * @param {string} text
 */
export function redact(text) {
  // Some of the patterns look ahead from each place: what is long is cut before they do.
  const cut = text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
  return SECRETS.reduce(
    (clean, [pattern, replacement]) => clean.replace(/** @type {RegExp} */ (pattern), String(replacement)),
    cut,
  );
}

/** @param {unknown} part */
function shown(part) {
  if (part instanceof Error) return redact(part.stack || String(part));
  return typeof part === "string" ? redact(part) : part;
}

/** @param {unknown[]} parts */
export const logInfo = (...parts) => console.info("[sidestream]", ...parts.map(shown));

/** @param {unknown[]} parts */
export const logError = (...parts) => console.error("[sidestream]", ...parts.map(shown));
