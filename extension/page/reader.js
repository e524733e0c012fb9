/**
 * Reads the text below a node of the page, in the order of the flat tree. Injected before `read-page.js`, after all
 * others.
 */
/**
 * @param {object} parts  What the other files give.
 * @param {ReturnType<typeof pageDom>} parts.dom
 * @param {ReturnType<typeof pageLayout>} parts.layout
 * @param {ReturnType<typeof pageCode>} parts.code
 * @param {ReturnType<typeof pageMath>} parts.math
 * @param {ReturnType<typeof pageTables>} parts.tables
 * @param {ReturnType<typeof pageSigns>} parts.signs
 * @param {ReturnType<typeof pageSurroundings>} parts.surroundings
 * @param {ReturnType<typeof pageElements>} parts.elements
 * @param {ReturnType<typeof pageLists>} parts.Numbering
 * @param {ReturnType<typeof pageWriter>} parts.Writer
 * @param {ReturnType<typeof pageFindings>} parts.Findings
 * @param {number} parts.limit  Characters. What is beyond is left out.
 */
function pageReader({
  dom,
  layout,
  code,
  math,
  tables,
  signs,
  surroundings,
  elements,
  Numbering,
  Writer,
  Findings,
  limit,
}) {
  /** Reading ends by itself after this time, in milliseconds; the worker waits longer. */
  const TIME_LIMIT_MS = 8000;
  /** How many nodes are read between two looks at the clock. */
  const NODES_PER_LOOK = 256;
  /** What is nested deeper is left out: it could exhaust the stack. */
  const DEEPEST = 400;
  /** A label that describes a picture is not longer. */
  const LONGEST_LABEL = 80;

  const { all, attribute, childrenOf, nameOf, parentOf, property, textOf, typeOf } = dom;
  const { isBlock, isStruckOut, spacesOf, styleOf } = layout;
  const { codeLines, isCodeBlock, isGutter, isNumbers, languageOf } = code;
  const { holdsData, isCode, isTable, partsOf, tableLines } = tables;
  const { reasonToPass, reasonToSkip } = surroundings;
  const { HANDLERS, SEVERAL_LINES } = elements;

  const SKIPPED = new Set(
    (
      "area audio base canvas col colgroup datalist head link meta noscript object embed optgroup option " +
      "param rp script source style svg template title track video"
    ).split(" "),
  );
  /** Around these is an empty line. */
  const PARAGRAPHS = new Set("blockquote dl figure h1 h2 h3 h4 h5 h6 hr p pre table".split(" "));

  const tracksOf = property(HTMLMediaElement.prototype, "textTracks");

  const startedAt = performance.now();

  /** @param {Node} node */
  function headingLevel(node) {
    if (attribute(node, "role") !== "heading") return 0;
    return Math.min(Math.max(Number.parseInt(attribute(node, "aria-level"), 10) || 2, 1), 6);
  }

  return class Reader {
    out = new Writer();
    findings = new Findings();
    numbering = new Numbering();
    /** The abbreviations that were explained. */
    explained = new Set();
    /** How many frames are around what is read. */
    frameDepth = 0;
    #isDrawn;
    #isAll;
    #nodes = 0;
    #isStopped = false;
    #isStruck = false;
    /** Something that surrounds the page was left out. */
    hasSkipped = false;
    /** A question about cookies was left out. */
    hasConsent = false;

    /**
     * @param {object} how
     * @param {boolean} how.isDrawn  What the page hides is left out.
     * @param {boolean} how.isAll  What surrounds the page is read as well.
     */
    constructor({ isDrawn, isAll }) {
      this.#isDrawn = isDrawn;
      this.#isAll = isAll;
    }

    /** @param {Node} root @returns {string} */
    read(root) {
      try {
        this.visit(root, 0, true, undefined);
        this.findings.conclude();
      } catch (error) {
        // What was read so far is better than nothing.
        console.warn("Sidestream could not read all of this page:", error);
        this.findings.add("failed");
      }
      return this.out.text;
    }

    /**
     * The text in an element, by itself.
     * @param {Node} node
     * @param {number} depth
     * @returns {string}
     */
    readApart(node, depth) {
      const reader = new Reader({ isDrawn: this.#isDrawn, isAll: true });
      for (const child of childrenOf(node)) reader.visit(child, depth + 1, true, undefined);
      return reader.out.text;
    }

    /** @param {number} depth */
    #isOver(depth) {
      if (this.#isStopped) return true;
      this.#nodes += 1;
      if (this.out.size > limit) this.#stop("cut");
      else if (this.#nodes % NODES_PER_LOOK === 0 && performance.now() - startedAt > TIME_LIMIT_MS) this.#stop("slow");
      else if (depth > DEEPEST) {
        this.findings.add("deep");
        return true;
      }
      return this.#isStopped;
    }

    /** @param {string} why */
    #stop(why) {
      this.#isStopped = true;
      this.findings.add(why);
    }

    /**
     * @param {Node} node
     * @param {number} depth
     * @param {boolean} isSeen
     * @param {CSSStyleDeclaration | undefined} around  The style of what it is in.
     */
    visit(node, depth, isSeen, around) {
      if (this.#isOver(depth)) return;
      const type = typeOf(node);
      if (type === Node.TEXT_NODE) {
        if (isSeen) this.#text(textOf(node), around);
        return;
      }
      if (type !== Node.ELEMENT_NODE) return;
      const name = nameOf(node);
      const formula = isSeen ? math.formula(node, name) : undefined;
      if (formula !== undefined) return this.out.formula(formula);
      if (SKIPPED.has(name)) return this.#passOver(node, name);
      const style = this.#isDrawn ? styleOf(node) : undefined;
      if (style) {
        if (style.display === "none") return this.#passHidden(node);
        isSeen = style.visibility === "visible";
        if (style.contentVisibility === "hidden") return this.#passHidden(node);
      }
      const names = `${attribute(node, "id")} ${attribute(node, "class")}`;
      if (isSeen && style && this.#isLeftOut(node, name, names, style)) return;
      if (isSeen && style) {
        // Scripts can make a control of every element.
        const isPressed = style.cursor === "pointer" && around?.cursor !== "pointer";
        this.findings.noteElement(/** @type {Element} */ (node), name, names, isPressed);
      }
      const { lines, isInTable } = this.out;
      const beginsLine = isBlock(name, style, around);
      const isApart = beginsLine && PARAGRAPHS.has(name) && !isInTable;
      if (beginsLine) lines.break(isApart);
      else if (style?.display === "table-cell" || (around && /flex|grid/.test(around.display))) lines.add(" ");
      const isDeleted = isSeen && isStruckOut(name, style) && /\S/.test(textOf(node));
      // Marks do not reach over several blocks: there, each text has its own.
      const isStruck = isDeleted && all(node, SEVERAL_LINES).length === 0;
      const wasStruck = this.#isStruck;
      this.#isStruck ||= isDeleted && !isStruck;
      if (isStruck) lines.add("~~");
      this.#visitElement(node, name, isSeen, depth, style, () => {
        for (const child of childrenOf(node)) this.visit(child, depth + 1, isSeen, style);
      });
      if (isStruck) lines.add("~~");
      this.#isStruck = wasStruck;
      if (beginsLine) lines.break(isApart);
    }

    /** @param {string} text @param {CSSStyleDeclaration | undefined} around */
    #text(text, around) {
      this.findings.noteText(text);
      const { lines } = this.out;
      if (this.#isStruck && text.trim()) return lines.add(` ~~${text.trim()}~~ `);
      if (!around || !/[\n\r]/.test(text)) return lines.add(text);
      const whiteSpace = spacesOf(around);
      if (whiteSpace === "collapse") lines.add(text);
      else lines.addKept(text, whiteSpace !== "preserve-breaks");
    }

    // --- what is left out -------------------------------------------------------------------------------------------

    /** Leaves out what is no text. @param {Node} node @param {string} name */
    #passOver(node, name) {
      if (!this.#isDrawn) return;
      const element = /** @type {Element} */ (node);
      if (name === "canvas" && signs.isDrawnPage(element, styleOf(node))) this.findings.add("canvas");
      if ((name === "object" || name === "embed") && styleOf(node).display !== "none") {
        if (signs.unreadFrame(element) !== undefined) this.findings.add("frames");
      }
      if (name === "svg") this.#drawing(node);
      if (name === "video" || name === "audio") this.#captions(node);
    }

    /** Leaves out what the page does not draw. @param {Node} node */
    #passHidden(node) {
      const { findings } = this;
      const text = textOf(node).trim();
      if (text.length < signs.SHORTEST_PART) return;
      if (!findings.missing.has("folded") && signs.isFolded(/** @type {Element} */ (node))) findings.add("folded");
      const isTranscript = signs.TRANSCRIPT.test(signs.namesOf(node)) && !findings.hasTranscript;
      if (!isTranscript || all(document, "video, audio").length === 0) return;
      this.#transcript(() => new Reader({ isDrawn: false, isAll: true }).read(node));
    }

    /**
     * Whether an element is drawn, and is no part of the page's text.
     * @param {Node} node
     * @param {string} name
     * @param {string} names
     * @param {CSSStyleDeclaration} style
     */
    #isLeftOut(node, name, names, style) {
      const skipped = reasonToSkip(node, name, names, style);
      if (skipped === "clipped") this.#label(node);
      if (skipped === "draft") this.findings.noteTyped(textOf(node));
      if (skipped) return true;
      const passed = this.#isAll ? undefined : reasonToPass(node, name, names, style);
      if (passed === "consent") this.hasConsent = true;
      if (passed === "surroundings") {
        this.hasSkipped = true;
        if (signs.hasOtherPages(/** @type {Element} */ (node), names + attribute(node, "aria-label")))
          this.findings.add("pages");
      }
      return passed !== undefined;
    }

    /**
     * Writes a text for screen readers alone where it describes a picture and no other text is beside it.
     * @param {Node} node
     */
    #label(node) {
      const text = textOf(node).trim();
      const parent = parentOf(node);
      if (!/\d/.test(text) || text.length > LONGEST_LABEL || !parent || all(node, "math").length > 0) return;
      if (textOf(parent).trim() === text) this.out.lines.add(` ${text} `);
    }

    // --- elements ---------------------------------------------------------------------------------------------------

    /**
     * @param {Node} node
     * @param {string} name
     * @param {boolean} isSeen
     * @param {number} depth
     * @param {CSSStyleDeclaration | undefined} style
     * @param {() => void} inside  Visits its children.
     */
    #visitElement(node, name, isSeen, depth, style, inside) {
      if (isTable(node, name) && this.#table(node, name, isSeen, depth)) return;
      if (isCodeBlock(node, name, style)) return this.#code(node, isSeen);
      const level = /^h[1-6]$/.test(name) ? Number(name[1]) : headingLevel(node);
      if (level > 0) return this.out.heading(level, inside);
      const handler = HANDLERS.get(name);
      if (handler) handler({ node, name, isSeen, depth, style, inside, reader: this });
      else inside();
    }

    /** @param {Node} node @param {boolean} isSeen */
    #code(node, isSeen) {
      if (!isSeen || isNumbers(node)) return;
      if (all(node, "[style]").some(signs.isVirtual)) this.findings.add("virtual");
      this.out.codeBlock(codeLines(node, this.#isDrawn), languageOf(node));
    }

    /**
     * @param {Node} node
     * @param {string} name
     * @param {boolean} isSeen
     * @param {number} depth
     * @returns {boolean}  False when it is no table, and only arranges the page.
     */
    #table(node, name, isSeen, depth) {
      const isShown = (/** @type {Node} */ part) => !this.#isDrawn || styleOf(part).display !== "none";
      const { rows, captions } = partsOf(node, isShown);
      const total = Number(attribute(node, "aria-rowcount"));
      if (total > rows.length) this.findings.add("virtual");
      if (!isSeen) return false;
      const drawn = (/** @type {Node} */ cell) => {
        if (!this.#isDrawn) return undefined;
        const style = styleOf(cell);
        return { whiteSpace: spacesOf(style), font: style.fontFamily };
      };
      const out = this.out;
      if (name === "table" && isCode(rows, drawn)) {
        const lines = rows.flatMap(({ cells }) => this.#codeOfRow(cells.map((cell) => cell.node)));
        out.codeBlock(lines, languageOf(node));
        return true;
      }
      if (out.isInTable || !holdsData(node, rows)) return false;
      for (const caption of captions) this.visit(caption, depth + 1, isSeen, undefined);
      const read = (/** @type {Node} */ cell) =>
        out.cell(() => {
          const style = this.#isDrawn ? styleOf(cell) : undefined;
          if (style?.visibility !== undefined && style.visibility !== "visible") return;
          for (const child of childrenOf(cell)) this.visit(child, depth + 3, isSeen, style);
        });
      const { lines } = out;
      lines.break(true);
      for (const line of tableLines(rows, read, () => this.#isStopped)) lines.addLine(line);
      lines.break(true);
      return true;
    }

    /** @param {Node[]} cells @returns {string[]}  The code in a row of a table, without the numbers of lines. */
    #codeOfRow(cells) {
      const whole = cells.filter((cell, at) => {
        if (at < cells.length - 1 && /^\s*\d[\s\d]*$/.test(textOf(cell))) return false;
        return !isGutter(cell, this.#isDrawn ? styleOf(cell) : undefined);
      });
      const parts = whole.map((cell) => codeLines(cell, this.#isDrawn));
      return parts.length === 1 && parts[0].length > 0 ? parts[0] : [parts.flat().join(" ")];
    }

    /** Writes the labels of a drawing. @param {Node} node  An SVG. */
    #drawing(node) {
      const labels = all(node, "text, foreignObject").map((label) => textOf(label).replace(/\s+/g, " ").trim());
      const named = attribute(node, "role") === "img" ? attribute(node, "aria-label") : "";
      if (labels.some(Boolean) || named) this.out.picture([named, ...labels].filter(Boolean).join(", "));
    }

    // --- films ------------------------------------------------------------------------------------------------------

    /** @param {Node} media */
    #captions(media) {
      const cues = [...(tracksOf(media) ?? [])]
        .map((track) => [...(track.cues ?? [])])
        .find(({ length }) => length > 0);
      if (cues) this.#transcript(() => cues.map(({ text }) => String(text).replace(/<[^>]*>/g, "")).join("\n"));
    }

    /**
     * Writes what is said in a film or a recording, where the page has it and does not draw it.
     * @param {() => string} read
     */
    #transcript(read) {
      if (this.findings.hasTranscript) return;
      this.findings.hasTranscript = true;
      const { lines } = this.out;
      this.out.heading(2, () => lines.add("Transcript"));
      lines.addKept(read());
      lines.break(true);
    }
  };
}
