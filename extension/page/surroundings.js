/** What is drawn, and is no part of the page's text. Injected before `reader.js`. */
/**
 * @param {ReturnType<typeof pageDom>} dom
 * @param {ReturnType<typeof pageLayout>} layout
 * @param {ReturnType<typeof pageCode>} code
 * @param {ReturnType<typeof pageSigns>} signs
 */
function pageSurroundings(dom, { isClipped, isOffScreen }, { isCodeBlock, isColumnOfNumbers, isCopyButton }, signs) {
  const { all, attribute, bodyOf, closest, has, property, textOf } = dom;
  /**
   * What surrounds a page has less text outside of its links than this, or more of it in links than outside, in
   * characters.
   */
  const SHORTEST_TEXT = 300;
  /** A text that is being written is a box's content up to this length, in characters; more can be a document. */
  const LONGEST_DRAFT = 1000;
  /** From this number on, boxes with text are the paragraphs of a document. */
  const FEWEST_PARTS = 4;
  const ICON_FONT = /(?:^|[\s_-])(?:material-(?:icons|symbols)|glyphicon)/i;
  const AROUND =
    /(?:^|[\s_-])(?:nav|navbar|navigation|menu|menubar|sidebar|breadcrumbs?|site-?footer|page-?footer|footer|toc)(?:[\s_-]|$)/i;

  const focusedIn = property(Document.prototype, "activeElement");
  const ownerOf = property(Node.prototype, "ownerDocument");

  /**
   * Why an element is left out whatever is to be read: it has a text for screen readers alone, no text, or one that its
   * user is writing.
   * @param {Node} node
   * @param {string} name
   * @param {string} names  Its id and classes.
   * @param {CSSStyleDeclaration} style
   * @returns {"clipped" | "textless" | "draft" | undefined}
   */
  function reasonToSkip(node, name, names, style) {
    const { position } = style;
    if ((position === "absolute" || position === "fixed") && isClipped(style)) return "clipped";
    if (names.length > 1 && ICON_FONT.test(names)) return "textless";
    if (isColumnOfNumbers(node, style) || names.includes("mw-editsection")) return "textless";
    if (position === "fixed" && isOffScreen(/** @type {Element} */ (node))) return "textless";
    if (name === "button" || name === "clipboard-copy" || attribute(node, "role") === "button") {
      if (isCopyButton(node)) return "textless";
    }
    return isDraft(node) && !isCodeBlock(node, name, style) ? "draft" : undefined;
  }

  /**
   * Why an element is no part of the page's own text.
   * @param {Node} node
   * @param {string} name
   * @param {string} names
   * @param {CSSStyleDeclaration} style
   * @returns {"consent" | "surroundings" | undefined}
   */
  function reasonToPass(node, name, names, style) {
    if (signs.isConsent(/** @type {Element} */ (node), names, style.position)) return "consent";
    return surrounds(node, name, names) ? "surroundings" : undefined;
  }

  /**
   * Whether an element is a box that the user writes in, like those for messages and comments. Documents can be edited
   * as well: they are most of their page, or come in many parts, and are read.
   * @param {Node} node
   */
  function isDraft(node) {
    const isEditable =
      has(/** @type {Element} */ (node), "contenteditable") && attribute(node, "contenteditable") !== "false";
    if (!isEditable) return false;
    const page = /** @type {Document} */ (ownerOf(node));
    const focused = focusedIn(page);
    if (!(focused && Node.prototype.contains.call(node, focused)) && attribute(node, "role") !== "textbox")
      return false;
    const parts = all(page, "[contenteditable][role=textbox]").filter((part) => textOf(part).trim());
    if (parts.length >= FEWEST_PARTS) return false;
    const { length } = textOf(node).trim();
    return length <= LONGEST_DRAFT || length * 2 < sizesOf(/** @type {Node} */ (bodyOf(page)))[0];
  }

  /**
   * Whether an element is what surrounds a page's text: navigation, the site's header and footer. Such elements hold
   * little but links.
   * @param {Node} node
   * @param {string} name
   * @param {string} names  Its id and classes.
   */
  function surrounds(node, name, names) {
    const role = attribute(node, "role");
    const isNavigation = name === "nav" || /^(?:navigation|menubar|menu|search|toolbar)$/.test(role);
    const isOfSite = /^(?:header|footer|aside)$/.test(name) || /^(?:banner|contentinfo|complementary)$/.test(role);
    const isNamed = !isNavigation && !isOfSite && AROUND.test(names);
    if (!isNavigation && !isOfSite && !isNamed) return false;
    if (!isNavigation && closest(node, "article, main, [role=main], [role=article]")) return false;
    if (all(node, "main, article, [role=main]").length > 0) return false;
    if (
      name === "header" &&
      all(node, "h1").some((title) => textOf(title).trim() && !closest(title, "a") && !all(title, "a, img, svg").length)
    )
      return false;
    const [size, linked] = sizesOf(node);
    // What is beside the text is part of it, where it is no list of links.
    if (name === "aside" || role === "complementary") return linked * 2 > size - linked;
    if (isNavigation && linked === 0) return name !== "nav" && role !== "navigation";
    return isNamed ? linked > (size - linked) * 1.5 : size - linked < SHORTEST_TEXT || linked > size - linked;
  }

  /** @param {Node} node @returns {[number, number]}  The characters of its text, and of that in links and buttons. */
  function sizesOf(node) {
    const size = (/** @type {Node} */ of) => textOf(of).replace(/\s+/g, " ").length;
    const scripts = all(node, "script, style, template").reduce((sum, each) => sum + size(each), 0);
    const linked = all(node, "a, button").reduce((sum, each) => sum + size(each), 0);
    return [Math.max(size(node) - scripts, 0), linked];
  }

  return { reasonToPass, reasonToSkip };
}
