/** How the browser draws an element. Injected before `reader.js`. */
/** @param {ReturnType<typeof pageDom>} dom */
function pageLayout({ boxOf }) {
  /** Without styles, these begin a line. */
  const BLOCKS = new Set(
    (
      "address article aside blockquote body dd details dialog div dl dt fieldset figcaption figure " +
      "footer form h1 h2 h3 h4 h5 h6 header " +
      "hgroup hr legend li main nav ol p pre section summary table tbody tfoot thead tr ul"
    ).split(" "),
  );
  /** In a row of boxes, these stay on their line. */
  const INLINE = new Set(
    (
      "a abbr b bdi bdo button cite code data em i img input kbd label mark q s samp select small span " +
      "strong sub sup textarea time tt u var"
    ).split(" "),
  );

  /** Fonts for code. */
  const MONOSPACE = /mono|courier|consolas|menlo/i;

  /** @param {Node} node @returns {CSSStyleDeclaration} */
  const styleOf = (node) => getComputedStyle(/** @type {Element} */ (node));

  /**
   * Whether an element begins a line.
   * @param {string} name
   * @param {CSSStyleDeclaration | undefined} style  Undefined where styles do not count.
   * @param {CSSStyleDeclaration | undefined} around  The style of what it is in.
   */
  function isBlock(name, style, around) {
    if (!style) return BLOCKS.has(name);
    if (/^(?:inline|contents|ruby|none|table-cell|table-column|math)/.test(style.display)) return false;
    // Such a row of boxes looks like a line.
    return !(INLINE.has(name) && around && /flex/.test(around.display) && around.flexDirection.startsWith("row"));
  }

  /** @param {string} name @param {CSSStyleDeclaration | undefined} style */
  function isStruckOut(name, style) {
    if (name === "del" || name === "s" || name === "strike") return true;
    return style?.textDecorationLine.includes("line-through") ?? false;
  }

  /** How white space is drawn. @param {CSSStyleDeclaration} style @returns {string} */
  function spacesOf(style) {
    return style.getPropertyValue("white-space-collapse") || "collapse";
  }

  /** Whether an element is there for screen readers alone. @param {CSSStyleDeclaration} style */
  function isClipped(style) {
    if (/^rect\((?:0|1)(?:px)?[, ]/.test(style.clip) || /^inset\((?:50|100)%/.test(style.clipPath)) return true;
    if (style.overflowX !== "visible" && (Number.parseFloat(style.width) <= 1 || Number.parseFloat(style.height) <= 1))
      return true;
    return Number.parseFloat(style.left) <= -999 || Number.parseFloat(style.top) <= -999;
  }

  /**
   * Whether no scrolling brings an element into view, like a menu that is kept beside the window.
   * @param {Element} fixed
   */
  function isOffScreen(fixed) {
    const { bottom, height, left, right, top, width } = boxOf(fixed);
    return width * height > 0 && (right <= 0 || bottom <= 0 || left >= innerWidth || top >= innerHeight);
  }

  return { INLINE, MONOSPACE, isBlock, isClipped, isOffScreen, isStruckOut, spacesOf, styleOf };
}
