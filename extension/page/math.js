/** Formulas as TeX. Injected before `reader.js`. */
/** @param {ReturnType<typeof pageDom>} dom */
function pageMath({ all, attribute, childrenOf, nameOf, textOf, typeOf }) {
  const SYMBOLS = /** @type {Record<string, string>} */ ({
    "∑": "\\sum ",
    "∏": "\\prod ",
    "∫": "\\int ",
    "∞": "\\infty ",
    "≤": "\\le ",
    "≥": "\\ge ",
    "≠": "\\ne ",
    "±": "\\pm ",
    "×": "\\times ",
    "·": "\\cdot ",
    "→": "\\to ",
    "∂": "\\partial ",
    "∇": "\\nabla ",
    "∈": "\\in ",
    "\u2212": "-",
    "\u2061": "",
    "\u2062": "",
    "\u2063": ",",
    "\u00a0": " ",
  });
  /** An accent above. */
  const ACCENTS = /** @type {Record<string, string>} */ ({
    "^": "\\hat",
    ˆ: "\\hat",
    "¯": "\\bar",
    "‾": "\\overline",
    "→": "\\vec",
    "~": "\\tilde",
    "˜": "\\tilde",
    "˙": "\\dot",
  });

  /** @param {string} tex @param {boolean} isBlock */
  const delimited = (tex, isBlock) => (isBlock ? `$$${tex}$$` : `$${tex}$`);
  /** @param {string} tex  Without what only Wikipedia's own images have. */
  const trimmed = (tex) =>
    tex
      .trim()
      .replace(/^\{\\(?:display|text)style (.*)\}$/s, "$1")
      .trim();

  /** @param {Node} node  An element of MathML. @returns {string} */
  function texOf(node) {
    if (typeOf(node) !== Node.ELEMENT_NODE) return "";
    const inner = childrenOf(node).filter((child) => typeOf(child) === Node.ELEMENT_NODE);
    const part = (/** @type {number} */ index) => (inner[index] ? texOf(inner[index]) : "");
    const group = (/** @type {number} */ index) => `{${part(index)}}`;
    /** What an exponent belongs to. */
    const base = () => (/^(?:\\?\w|\\\w+ ?)$/.test(part(0)) || nameOf(inner[0] ?? node) === "mn" ? part(0) : group(0));
    switch (nameOf(node)) {
      case "mi":
      case "mo":
      case "mn":
        return [...textOf(node).trim()].map((each) => SYMBOLS[each] ?? each).join("");
      case "mtext":
        return textOf(node).trim() ? `\\text{${textOf(node).trim()}}` : " ";
      case "mspace":
        return " ";
      case "mfrac":
        return `\\frac${group(0)}${group(1)}`;
      case "msqrt":
        return `\\sqrt{${inner.map(texOf).join("")}}`;
      case "mroot":
        return `\\sqrt[${part(1)}]${group(0)}`;
      case "msup":
        return `${base()}^${group(1)}`;
      case "msub":
      case "munder":
        return `${base()}_${group(1)}`;
      case "mover":
        return ACCENTS[textOf(inner[1] ?? node).trim()]
          ? `${ACCENTS[textOf(inner[1]).trim()]}${group(0)}`
          : `${base()}^${group(1)}`;
      case "msubsup":
      case "munderover":
        return `${base()}_${group(1)}^${group(2)}`;
      case "mtable":
        return `\\begin{matrix}${inner.map(texOf).join(" \\\\ ")}\\end{matrix}`;
      case "mtr":
        return inner.map(texOf).join(" & ");
      case "mfenced":
        return `${attribute(node, "open") || "("}${inner.map(texOf).join(",")}${attribute(node, "close") || ")"}`;
      case "semantics":
        return part(0);
      case "annotation":
      case "annotation-xml":
        return "";
      default:
        return inner.map(texOf).join("");
    }
  }

  /** @param {Node} element  `math`, or what has one in it. @returns {string | undefined} */
  function mathTex(element) {
    const source = all(element, 'annotation[encoding="application/x-tex"], annotation[encoding="TeX"]')[0];
    if (source) return trimmed(textOf(source));
    const math = nameOf(element) === "math" ? element : all(element, "math")[0];
    return math ? trimmed(attribute(math, "alttext") || texOf(math)).replace(/ {2,}/g, " ") : undefined;
  }

  /**
   * The formula that an element shows, with its delimiters.
   * @param {Node} element
   * @param {string} name  Of the element.
   * @returns {string | undefined}  Undefined when it shows none; "" when it only draws one whose source is elsewhere.
   */
  function formula(element, name) {
    if (name === "math") return delimited(mathTex(element) ?? "", attribute(element, "display") === "block");
    if (name === "mjx-container") {
      const tex = mathTex(element) ?? (attribute(element, "data-latex") || attribute(element, "aria-label"));
      return tex ? delimited(tex, attribute(element, "display") === "true") : undefined;
    }
    if (name === "script") {
      const [, mode] = /^math\/tex(.*)/.exec(attribute(element, "type")) ?? [];
      return mode === undefined ? undefined : delimited(textOf(element).trim(), /display/.test(mode));
    }
    if (name === "img") {
      const isMath = /(?:^|[\s_-])(?:math|latex|tex|mwe-math)/i.test(attribute(element, "class"));
      return isMath && attribute(element, "alt") ? delimited(trimmed(attribute(element, "alt")), false) : undefined;
    }
    if (name !== "span" && name !== "div") return undefined;
    const names = attribute(element, "class");
    if (!/katex|MathJax/.test(names)) return undefined;
    if (/(?:^|\s)MathJax(?:_Display|_Preview|_SVG|_SVG_Display|_CHTML)?(?:\s|$)/.test(names)) return "";
    if (!/(?:^|\s)katex(?:-display)?(?:\s|$)/.test(names)) return undefined;
    const tex = mathTex(element);
    return tex ? delimited(tex, /katex-display/.test(names)) : undefined;
  }

  return { formula, texOf };
}
