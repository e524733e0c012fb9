/** Code as its lines, however a page draws them. Injected before `reader.js`. */
/**
 * @param {ReturnType<typeof pageDom>} dom
 * @param {ReturnType<typeof pageLayout>} layout
 */
function pageCode(
  { all, attribute, boxOf, childrenOf, nameOf, parentOf, textOf, typeOf },
  { INLINE, MONOSPACE, spacesOf, styleOf },
) {
  const BLOCKS = new Set("address blockquote div dd dl dt li ol p pre section table tbody thead tr ul".split(" "));
  const UNSEEN = new Set("button clipboard-copy img input script select style svg template textarea".split(" "));
  const GUTTER = /gutter|line-?(?:num|no)|lineno|linenos|blob-num|ln-num|numbering|(?:^|[\s_-])ln(?:[\s_-]|$)/i;
  const LANGUAGE = /(?:^|\s)(?:language|lang|highlight-source|highlight-text|brush)[-:]\s?([\w+#.-]+)/i;
  const COPY =
    /^(?:copy|copied)\b.{0,20}$|^(?:copier|copiar|copia|kopieren|kopiert|复制|複製|拷贝|コピー|복사|копировать).{0,10}$/i;

  /** @param {Node} element @returns {string} */
  const namesOf = (element) => `${attribute(element, "class")} ${attribute(element, "id")}`;

  /** @param {Node} element  A button. */
  const isCopyButton = (element) => COPY.test((textOf(element).trim() || attribute(element, "aria-label")).trim());

  /**
   * Whether an element is a block of code.
   * @param {Node} node
   * @param {string} name
   * @param {CSSStyleDeclaration | undefined} style
   */
  function isCodeBlock(node, name, style) {
    if (name === "code" && style && all(node, "br").length > 0) return true;
    if (style && areLinesOfCode(node)) return true;
    return isDrawnAsCode(node, name, style);
  }

  /** @param {Node} node @param {string} name @param {CSSStyleDeclaration | undefined} style */
  function isDrawnAsCode(node, name, style) {
    if (name === "pre" || name === "xmp" || name === "listing" || name === "plaintext") return true;
    if (!style || (INLINE.has(name) && name !== "code" && name !== "samp")) return false;
    if (/^(?:inline|contents)$/.test(style.display) || !/^(?:preserve|break-spaces)$/.test(spacesOf(style)))
      return false;
    if (!MONOSPACE.test(style.fontFamily)) return false;
    // Some pages are drawn like a typewriter's.
    return all(node, "p, h1, h2, h3, table, ul, article, section, form, img, pre").length === 0;
  }

  /** Whether each of its elements is a line of code, as in viewers of files. @param {Node} node */
  function areLinesOfCode(node) {
    const parts = childrenOf(node).filter((part) => typeOf(part) !== Node.TEXT_NODE || textOf(part).trim());
    if (parts.length < 2 || parts.some((part) => typeOf(part) !== Node.ELEMENT_NODE)) return false;
    const [first, second] = parts;
    const classOf = (/** @type {Node} */ part) => attribute(part, "class").trim().split(/\s+/)[0];
    if (!classOf(first) || classOf(first) !== classOf(second)) return false;
    if (parts.some((part) => textOf(part).includes("\n"))) return false;
    return isDrawnAsCode(first, nameOf(first), styleOf(first));
  }

  /** @param {Node} element @param {CSSStyleDeclaration | undefined} style */
  function isGutter(element, style) {
    const text = textOf(element);
    if (!/^[\s\d]*$/.test(text)) return false;
    return GUTTER.test(namesOf(element)) || (/\d/.test(text) && style?.userSelect === "none");
  }

  /**
   * Whether an element holds only the numbers of the lines beside it.
   * @param {Node} element
   */
  function isNumbers(element) {
    const numbers = textOf(element).trim().split(/\s+/);
    return (
      numbers.length > 1 &&
      numbers.every((each, index) => Number(each) === Number(numbers[0]) + index) &&
      (nameOf(/** @type {Node} */ (parentOf(element))) === "td" || GUTTER.test(namesOf(element)))
    );
  }

  /**
   * Whether an element holds the numbers of lines of code, which a page keeps from being selected or names so.
   * @param {Node} element
   * @param {CSSStyleDeclaration} style
   */
  function isColumnOfNumbers(element, style) {
    const text = textOf(element);
    if (!/^\s*\d[\s\d]*$/.test(text)) return false;
    if (style.userSelect !== "none" && !GUTTER.test(namesOf(element)) && !/[_-]nums?\b/.test(namesOf(element)))
      return false;
    const parts = childrenOf(element).map((child) => textOf(child).trim());
    const numbers = parts.filter(Boolean).length > 1 ? parts.filter(Boolean) : text.trim().split(/\s+/);
    return numbers.length > 1 && numbers.every((each, index) => Number(each) === Number(numbers[0]) + index);
  }

  /** The lines in the order in which they are seen, where the page places them one by one. @param {Node[]} nodes */
  function fromTopToBottom(nodes) {
    const elements = nodes.filter((node) => typeOf(node) === Node.ELEMENT_NODE);
    if (elements.length < 2 || getComputedStyle(/** @type {Element} */ (elements[0])).position !== "absolute")
      return nodes;
    const top = (/** @type {Node} */ node) => boxOf(/** @type {Element} */ (node)).top;
    return elements.sort((one, other) => top(one) - top(other));
  }

  /**
   * @param {Node} root
   * @param {boolean} isDrawn  Styles count.
   * @returns {string[]}  Its lines, without those that are empty at its ends.
   */
  function codeLines(root, isDrawn) {
    let text = "";
    /** A block has just ended its line, so a line break after it is the same one. */
    let isAfterBlock = false;
    const startLine = () => {
      if (text && !text.endsWith("\n")) text += "\n";
    };

    /** @param {Node} node @param {number} depth */
    const visit = (node, depth) => {
      if (typeOf(node) === Node.TEXT_NODE) {
        let words = textOf(node).replace(/\r\n?/g, "\n");
        if (isAfterBlock && words.startsWith("\n")) words = words.slice(1);
        if (words) isAfterBlock = false;
        text += words;
      }
      if (typeOf(node) !== Node.ELEMENT_NODE || depth > 100) return;
      const name = nameOf(node);
      if (UNSEEN.has(name)) return;
      const style = isDrawn ? getComputedStyle(/** @type {Element} */ (node)) : undefined;
      if (style?.display === "none" || style?.visibility === "hidden") return;
      if (isGutter(node, style)) return;
      if (name === "br") {
        text += "\n";
        isAfterBlock = false;
        return;
      }
      text += attribute(node, "data-code-marker");
      if (name === "sup" || name === "sub") text += name === "sup" ? "^" : "_";
      const isBlock = style ? /^(?:block|flex|grid|list-item|table|table-row)$/.test(style.display) : BLOCKS.has(name);
      const isLine = isBlock && depth > 0 && name !== "code";
      if (isLine) startLine();
      const before = text.length;
      const children = childrenOf(node);
      for (const child of isDrawn ? fromTopToBottom(children) : children) visit(child, depth + 1);
      if (!isLine) return;
      if (text.length === before) text += "\n";
      else startLine();
      isAfterBlock = true;
    };
    visit(root, 0);
    const lines = text.split("\n").map((line) => line.replaceAll("\u00a0", " ").trimEnd());
    while (lines.length > 0 && !lines[0]) lines.shift();
    while (lines.length > 0 && !lines.at(-1)) lines.pop();
    return lines;
  }

  /** @param {Node} element @returns {string}  The language of its code, as the page calls it. */
  function languageOf(element) {
    const inside = childrenOf(element).filter((node) => typeOf(node) === Node.ELEMENT_NODE);
    const around = [element, ...inside.slice(0, 1)];
    for (let node = parentOf(element); node && around.length < 5; node = parentOf(node)) {
      if (typeOf(node) === Node.ELEMENT_NODE) around.push(node);
      else break;
    }
    for (const node of around) {
      const given = attribute(node, "data-lang") || attribute(node, "data-language");
      const found = /^[\w+#.-]{1,20}$/.exec(given)?.[0] ?? LANGUAGE.exec(attribute(node, "class"))?.[1];
      if (found) return found.toLowerCase();
    }
    return "";
  }

  /** @param {string[]} lines  Of code. @returns {string}  The fence, longer than any in it. */
  function fenceOf(lines) {
    const longest = Math.max(2, ...lines.map((line) => /^\s*(`{3,})/.exec(line)?.[1].length ?? 0));
    return "`".repeat(longest + 1);
  }

  return { codeLines, fenceOf, isCodeBlock, isColumnOfNumbers, isCopyButton, isGutter, isNumbers, languageOf };
}
