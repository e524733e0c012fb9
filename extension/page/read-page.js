/**
 * What a page says, as text with Markdown's headings, lists and links. Injected into the page's isolated world, after Readability; its value
 * is what was read.
 *
 * The page is a stranger's. Its scripts cannot reach this world, but its elements can take the names of the document's and of forms'
 * properties (`<img name="body">`): so what is asked of its nodes goes through the prototypes, and Readability gets a copy without such
 * names. Nothing of the page is changed, loaded or run.
 */
(() => {
  /** Characters. What is beyond is left out. */
  const LIMIT = 200_000;
  /** With more elements, or more of them inside each other, Readability would take too long. */
  const MOST_ELEMENTS = 50_000;
  const DEEPEST_ARTICLE = 150;
  /** A shorter "article" is but a part of a page that has none. */
  const SHORTEST_ARTICLE = 250;
  /** What is nested deeper is left out: it could exhaust the stack. */
  const DEEPEST = 400;
  /** Longer addresses of links are of use to nobody. */
  const LONGEST_ADDRESS = 500;

  const SKIPPED = new Set(
    "canvas embed frame head iframe input noscript object script select style svg template textarea".split(" "),
  );
  /** These begin a line, ... */
  const BLOCKS = new Set(
    (
      "address article aside blockquote body dd details dialog div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 header " +
      "hgroup hr legend li main nav ol p pre section summary table tbody tfoot thead tr ul"
    ).split(" "),
  );
  /** ... and around these is an empty one. */
  const PARAGRAPHS = new Set("blockquote figure h1 h2 h3 h4 h5 h6 hr p pre table".split(" "));

  /**
   * A property as the browser has it, whatever the page's elements are called.
   * @param {object} prototype
   * @param {string} name
   * @returns {(node: Node) => any}
   */
  const property = (prototype, name) => {
    const get = Object.getOwnPropertyDescriptor(prototype, name)?.get;
    return (node) => get?.call(node);
  };
  const titleOf = property(Document.prototype, "title");
  const rootOf = property(Document.prototype, "documentElement");
  const bodyOf = property(Document.prototype, "body");
  const contentTypeOf = property(Document.prototype, "contentType");
  const firstChildOf = property(Node.prototype, "firstChild");
  const nextSiblingOf = property(Node.prototype, "nextSibling");
  const parentOf = property(Node.prototype, "parentNode");
  const typeOf = property(Node.prototype, "nodeType");
  const textOf = property(Node.prototype, "textContent");
  const nameOf = property(Element.prototype, "localName");
  const addressOf = property(HTMLAnchorElement.prototype, "href");
  /** @param {Node} element @param {string} name @returns {string} */
  const attribute = (element, name) => Element.prototype.getAttribute.call(element, name) ?? "";
  /** @param {Node} node */
  const remove = (node) => parentOf(node) && Node.prototype.removeChild.call(parentOf(node), node);
  /** @param {Node} node @param {string} name */
  const isElement = (node, name) => typeOf(node) === Node.ELEMENT_NODE && nameOf(node) === name;

  /** @param {Node} node @returns {Node[]} */
  function childrenOf(node) {
    const children = [];
    for (let child = firstChildOf(node); child; child = nextSiblingOf(child)) children.push(child);
    return children;
  }

  /** @param {Document} page @returns {Element[]}  In the document's order. */
  function elementsOf(page) {
    const walker = Document.prototype.createTreeWalker.call(page, rootOf(page), NodeFilter.SHOW_ELEMENT);
    const elements = [];
    for (let node = walker.currentNode; node; node = /** @type {Node} */ (walker.nextNode())) elements.push(node);
    return /** @type {Element[]} */ (elements);
  }

  /** @param {Element[]} elements  In the document's order. */
  function depthOf(elements) {
    const depths = new Map();
    let deepest = 0;
    for (const element of elements) {
      const depth = (depths.get(parentOf(element)) ?? 0) + 1;
      depths.set(element, depth);
      deepest = Math.max(deepest, depth);
    }
    return deepest;
  }

  /** Lines that grow, and what stands before each of them. */
  class Lines {
    /** What indents a line. */
    prefix = "";
    /** What the next line has in its place: the mark of an item or a heading. */
    #mark = "";
    /** @type {string[]} */
    #lines = [];
    #size = 0;
    #line = "";
    #isBegun = false;
    /** What stands in the empty line that comes before the next one. @type {string | undefined} */
    #apart;

    get isFull() {
      return this.#size + this.#line.length > LIMIT;
    }

    get text() {
      this.break();
      return this.#lines.join("\n").trim();
    }

    /** @param {string} mark */
    mark(mark) {
      this.#mark = (this.#mark || this.prefix) + mark;
    }

    unmark() {
      this.#mark = "";
    }

    /** @param {string} text  Its white space is one space, as on the screen. */
    add(text) {
      let words = text.replace(/[\s\u00a0]+/g, " ");
      if (!this.#isBegun || this.#line.endsWith(" ")) words = words.trimStart();
      if (words) this.#write(words);
    }

    /** @param {string} line  As it is. */
    addLine(line) {
      this.#write(line);
      this.break();
    }

    /** @param {boolean} [isApart]  An empty line comes before the next one. */
    break(isApart = false) {
      if (this.#isBegun) this.#push(this.#line);
      this.#isBegun = false;
      this.#line = "";
      if (isApart && this.prefix.length < (this.#apart?.length ?? Number.POSITIVE_INFINITY)) this.#apart = this.prefix;
    }

    /** @param {string} words */
    #write(words) {
      if (!this.#isBegun) {
        if (this.#apart !== undefined && this.#lines.length > 0) this.#push(this.#apart);
        this.#line = this.#mark || this.prefix;
        this.#mark = "";
        this.#apart = undefined;
        this.#isBegun = true;
      }
      this.#line += words;
    }

    /** @param {string} line */
    #push(line) {
      this.#lines.push(line.trimEnd());
      this.#size += line.length + 1;
    }
  }

  /** The text below a node. */
  class Reader {
    #lines = new Lines();
    #isDrawn;
    /** All of it was read. */
    isWhole = true;

    /** @param {boolean} isDrawn  The nodes are the page's own: what it hides is left out. */
    constructor(isDrawn) {
      this.#isDrawn = isDrawn;
    }

    /** @param {Node} root */
    read(root) {
      this.#visit(root, 0, true);
      return this.#lines.text;
    }

    /** @param {Node} node @param {number} depth @param {boolean} isSeen */
    #visit(node, depth, isSeen) {
      if (this.#lines.isFull || depth > DEEPEST) {
        this.isWhole = false;
        return;
      }
      if (typeOf(node) === Node.TEXT_NODE && isSeen) this.#lines.add(textOf(node));
      if (typeOf(node) !== Node.ELEMENT_NODE) return;
      const name = nameOf(node);
      if (SKIPPED.has(name)) return;
      if (this.#isDrawn) {
        const { display, visibility } = getComputedStyle(/** @type {Element} */ (node));
        if (display === "none") return;
        isSeen = visibility === "visible";
      }
      if (BLOCKS.has(name)) this.#lines.break(PARAGRAPHS.has(name));
      this.#visitElement(node, name, isSeen, () => {
        for (const child of childrenOf(node)) this.#visit(child, depth + 1, isSeen);
      });
      if (BLOCKS.has(name)) this.#lines.break(PARAGRAPHS.has(name));
    }

    /**
     * @param {Node} node
     * @param {string} name
     * @param {boolean} isSeen
     * @param {() => void} inside  Visits its children.
     */
    #visitElement(node, name, isSeen, inside) {
      const lines = this.#lines;
      if (name === "br") lines.break();
      else if (name === "hr") lines.addLine("---");
      else if (name === "li") this.#indent("  ", markOf(node), inside);
      else if (name === "blockquote") this.#indent("> ", "", inside);
      else if (name === "a") this.#link(node, inside);
      else if (name === "pre") this.#code(isSeen ? textOf(node) : "");
      else if (name === "img")
        lines.add(isSeen && attribute(node, "alt") ? ` [image: ${attribute(node, "alt")}] ` : "");
      else if (/^h[1-6]$/.test(name)) {
        lines.mark(`${"#".repeat(Number(name[1]))} `);
        inside();
        lines.unmark();
      } else inside();
      if (name === "td" || name === "th") lines.add(" | ");
    }

    /** @param {string} prefix @param {string} mark @param {() => void} inside */
    #indent(prefix, mark, inside) {
      const lines = this.#lines;
      const outside = lines.prefix;
      if (mark) lines.mark(mark);
      lines.prefix += prefix;
      inside();
      lines.break();
      lines.prefix = outside;
      lines.unmark();
    }

    /** @param {string} text */
    #code(text) {
      if (!text.trim()) return;
      this.#lines.addLine("```");
      for (const line of text.trimEnd().split("\n")) if (!this.#lines.isFull) this.#lines.addLine(line);
      this.#lines.addLine("```");
    }

    /** @param {Node} node @param {() => void} inside */
    #link(node, inside) {
      const address = node instanceof HTMLAnchorElement ? withoutUser(addressOf(node)) : "";
      const isKept = /^https?:/.test(address) && address.length <= LONGEST_ADDRESS && textOf(node).trim();
      if (!isKept) return inside();
      this.#lines.add("[");
      inside();
      this.#lines.add(`](${address})`);
    }
  }

  /** @param {string} address  Its user's name and password can be the page's own. */
  function withoutUser(address) {
    return address.replace(/^(https?:\/\/)[^/?#]*@/, "$1");
  }

  /** @param {Node} item  Of a list. */
  function markOf(item) {
    const list = parentOf(item);
    if (!list || !isElement(list, "ol")) return "- ";
    let number = 1;
    for (let node = firstChildOf(list); node && node !== item; node = nextSiblingOf(node)) {
      if (isElement(node, "li")) number += 1;
    }
    return `${number}. `;
  }

  /**
   * A copy for Readability: without what the page hides, and without names that hide properties of documents and forms.
   * @param {Element[]} elements  Of the page.
   * @returns {Document}
   */
  function readableCopy(elements) {
    const copy = /** @type {Document} */ (Node.prototype.cloneNode.call(document, true));
    for (const [index, element] of elementsOf(copy).entries()) {
      const { display, visibility } = getComputedStyle(elements[index]);
      if (display === "none" && !/^(head|meta|title|script|style|link|base|noscript)$/.test(nameOf(element)))
        remove(element);
      else if (visibility !== "visible") {
        for (const child of childrenOf(element)) if (typeOf(child) === Node.TEXT_NODE) remove(child);
      }
      if (nameOf(element) !== "meta") Element.prototype.removeAttribute.call(element, "name");
      if (/^(button|embed|fieldset|form|iframe|img|input|object|output|select|textarea)$/.test(nameOf(element))) {
        Element.prototype.removeAttribute.call(element, "id");
      }
    }
    return copy;
  }

  function article() {
    const elements = elementsOf(document);
    if (elements.length > MOST_ELEMENTS || depthOf(elements) > DEEPEST_ARTICLE) return undefined;
    try {
      const found = new Readability(readableCopy(elements), { serializer: (node) => node }).parse();
      const reader = new Reader(false);
      const text = found?.content ? reader.read(found.content) : "";
      return text.length >= SHORTEST_ARTICLE ? { text, isWhole: reader.isWhole } : undefined;
    } catch {
      // A page can confuse it. There is still its text.
      return undefined;
    }
  }

  function everything() {
    const reader = new Reader(true);
    const root = bodyOf(document) ?? rootOf(document);
    return { text: root ? reader.read(root) : "", isWhole: reader.isWhole };
  }

  const { text, isWhole } = article() ?? everything();
  return {
    address: location.href,
    title: titleOf(document),
    language: rootOf(document) ? attribute(rootOf(document), "lang") : "",
    type: contentTypeOf(document),
    text: text.slice(0, LIMIT),
    isWhole: isWhole && text.length <= LIMIT,
  };
})();
