/**
 * Character references (`&amp;`, `&#39;`) as text. The browser's own decoder sits behind HTML strings, which these
 * pages refuse, so the names that occur in prose are listed here; an unknown one stays as it was written.
 */

const NAMED = new Map(
  Object.entries({
    amp: "&",
    lt: "<",
    gt: ">",
    quot: '"',
    apos: "'",
    nbsp: "\u00a0",
    ensp: "\u2002",
    emsp: "\u2003",
    thinsp: "\u2009",
    shy: "\u00ad",
    zwj: "\u200d",
    zwnj: "\u200c",
    hellip: "…",
    mdash: "—",
    ndash: "–",
    lsquo: "‘",
    rsquo: "’",
    ldquo: "“",
    rdquo: "”",
    laquo: "«",
    raquo: "»",
    bull: "•",
    middot: "·",
    copy: "©",
    reg: "®",
    trade: "™",
    deg: "°",
    plusmn: "±",
    times: "×",
    divide: "÷",
    minus: "−",
    ne: "≠",
    le: "≤",
    ge: "≥",
    asymp: "≈",
    infin: "∞",
    radic: "√",
    sum: "∑",
    prod: "∏",
    int: "∫",
    part: "∂",
    micro: "µ",
    pi: "π",
    alpha: "α",
    beta: "β",
    gamma: "γ",
    delta: "δ",
    lambda: "λ",
    mu: "μ",
    sigma: "σ",
    omega: "ω",
    larr: "←",
    uarr: "↑",
    rarr: "→",
    darr: "↓",
    harr: "↔",
    lArr: "⇐",
    rArr: "⇒",
    hArr: "⇔",
    euro: "€",
    pound: "£",
    yen: "¥",
    cent: "¢",
    sect: "§",
    para: "¶",
    frac12: "½",
    frac14: "¼",
    frac34: "¾",
    sup2: "²",
    sup3: "³",
    lbrace: "{",
    rbrace: "}",
    lbrack: "[",
    rbrack: "]",
    vert: "|",
    lowbar: "_",
    ast: "*",
    num: "#",
    grave: "`",
    check: "✓",
    cross: "✗",
  }),
);

/**
 * @param {string} text
 * @returns {string}
 */
export function decodeEntities(text) {
  if (!text.includes("&")) return text;
  return text.replace(
    /&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|([a-zA-Z][a-zA-Z0-9]{1,31}));/g,
    (whole, dec, hex, name) => {
      if (name) return NAMED.get(name) ?? whole;
      const code = dec ? Number(dec) : Number.parseInt(hex, 16);
      const isCharacter = code > 0 && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff);
      return isCharacter ? String.fromCodePoint(code) : "\ufffd";
    },
  );
}
