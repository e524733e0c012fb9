/**
 * What a page says, as text with Markdown's headings, lists, tables and links. Injected into the page's isolated world, after the other files
 * of this folder; its value is what was read.
 *
 * All visible text is read, in the order of the flat tree (shadow roots and their slots as they are drawn, frames of the same site in their
 * place), without what surrounds it: navigation, the site's header and footer, questions about cookies. Where little is left without these,
 * they are read as well. `docs/architecture.md` says why no reader of articles does it.
 *
 * Nothing of the page is changed, loaded or run. What could be seen and was not read is named in `missing`.
 */
(() => {
  /** Characters. What is beyond is left out. */
  const LIMIT = 200_000;
  /** Reading ends by itself after this time, in milliseconds; the worker waits longer. */
  const TIME_LIMIT_MS = 8000;
  /** How many nodes are read between two looks at the clock. */
  const NODES_PER_LOOK = 256;
  /** What is nested deeper is left out: it could exhaust the stack. */
  const DEEPEST = 400;
  /** Longer addresses of links are of use to nobody. */
  const LONGEST_ADDRESS = 500;
  /** What surrounds a page has less text outside of its links than this, or more of it in links than outside, in characters. */
  const SHORTEST_TEXT = 300;
  /** A page with less may have its text where others have only what surrounds it. */
  const SHORTEST_PAGE = 2000;
  /** A label that stands for a picture is not longer. */
  const LONGEST_LABEL = 80;
  /** Words that ask for a subscription are not longer. */
  const LONGEST_OFFER = 250;
  const MOST_FRAMES_NAMED = 3;
  const DEEPEST_FRAME = 4;

  const dom = pageDom();
  const { addressOf, all, attribute, bodyOf, boxOf, childrenOf, closest, frameOf, has, nameOf, parentOf, property } =
    dom;
  const { rootOf, textOf, typeOf } = dom;
  const Lines = pageLines();
  const { codeLines, fenceOf, isColumnOfNumbers, isCopyButton, isGutter, isNumbers, languageOf } = pageCode(dom);
  const { formula } = pageMath(dom);
  const { MONOSPACE, holdsData, isCode, isTable, partsOf, tableLines } = pageTables(dom);
  const signs = pageSigns(dom);

  const SKIPPED = new Set(
    "area audio base canvas col colgroup datalist head link meta noscript object embed optgroup option param rp script source style svg template title track video".split(
      " ",
    ),
  );
  /** Without styles, these begin a line. */
  const BLOCKS = new Set(
    (
      "address article aside blockquote body dd details dialog div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 header " +
      "hgroup hr legend li main nav ol p pre section summary table tbody tfoot thead tr ul"
    ).split(" "),
  );
  /** Around these is an empty line. */
  const PARAGRAPHS = new Set("blockquote dl figure h1 h2 h3 h4 h5 h6 hr p pre table".split(" "));
  /** In a row of boxes, these stay on their line. */
  const INLINE = new Set(
    "a abbr b bdi bdo button cite code data em i img input kbd label mark q s samp select small span strong sub sup textarea time tt u var".split(
      " ",
    ),
  );
  /** A text that is being written is a box's content up to this length, in characters; more can be a document. */
  const LONGEST_DRAFT = 1000;
  /** So many boxes with text are the paragraphs of a document. */
  const FEWEST_PARTS = 4;
  /** What stands there in a smaller type, and is no exponent. */
  const ORDINAL = /^(?:st|nd|rd|th|er|re|ère|ème|nde?|o|ª|º|tm|sm)$/i;
  const PERMALINK = /^[#¶§🔗\ue000-\uf8ff\s]*$/u;
  const ICON_FONT = /(?:^|[\s_-])(?:material-(?:icons|symbols)|glyphicon)/i;

  const kindOf = property(HTMLInputElement.prototype, "type");
  const textValueOf = property(HTMLTextAreaElement.prototype, "value");
  const focusedIn = property(Document.prototype, "activeElement");
  const tracksOf = property(HTMLMediaElement.prototype, "textTracks");
  const ownerOf = property(Node.prototype, "ownerDocument");
  const readyStateOf = property(Document.prototype, "readyState");

  const startedAt = performance.now();

  /** @param {Node} node @returns {CSSStyleDeclaration} */
  const styleOf = (node) => getComputedStyle(/** @type {Element} */ (node));
  /** @param {string} address  Its user's name and password can be the page's own. */
  const withoutUser = (address) => address.replace(/^(https?:\/\/)[^/?#]*@/, "$1");
  /** @param {string} address */
  const withoutFragment = (address) => address.replace(/#.*$/s, "");
  const here = withoutFragment(location.href);

  /** The text below a node. */
  class Reader {
    #counter = { size: 0 };
    #lines = new Lines(this.#counter);
    #isDrawn;
    #isAll;
    #nodes = 0;
    #isStopped = false;
    #isInTable = false;
    #isStruck = false;
    #frames = 0;
    /** The number of each list's last item. @type {Map<Node, number>} */
    #numbers = new Map();
    /** By what is said of the lists, how many of their items are there. @type {Map<string, number>} */
    #items = new Map();
    #explained = new Set();
    #hasTranscript = false;
    #offersTranscript = false;
    /** Why some of it was not read. @type {Set<string>} */
    missing = new Set();
    /** The hosts of frames that were not read. @type {Set<string>} */
    hosts = new Set();
    /** Something that surrounds the page was left out. */
    hasSkipped = false;
    /** A question about cookies was left out. */
    hasConsent = false;

    /**
     * @param {object} how
     * @param {boolean} how.isDrawn  What the page hides is left out.
     * @param {boolean} how.isAll  Also what surrounds the page is read.
     */
    constructor({ isDrawn, isAll }) {
      this.#isDrawn = isDrawn;
      this.#isAll = isAll;
    }

    /** @param {Node} root @returns {string} */
    read(root) {
      const lines = this.#lines;
      try {
        this.#visit(root, 0, true, undefined);
        this.#conclude();
      } catch (error) {
        // What was read so far is better than nothing.
        console.warn("Sidestream could not read all of this page:", error);
        this.missing.add("failed");
      }
      return lines.text;
    }

    #conclude() {
      for (const [list, count] of this.#items) {
        if (Number(list.split(" ")[1]) > count) this.missing.add("virtual");
      }
      if (this.#offersTranscript && !this.#hasTranscript) this.missing.add("transcript");
    }

    /** @param {number} depth */
    #isOver(depth) {
      if (this.#isStopped) return true;
      this.#nodes += 1;
      if (this.#counter.size > LIMIT) this.#stop("cut");
      else if (this.#nodes % NODES_PER_LOOK === 0 && performance.now() - startedAt > TIME_LIMIT_MS) this.#stop("slow");
      else if (depth > DEEPEST) {
        this.missing.add("deep");
        return true;
      }
      return this.#isStopped;
    }

    /** @param {string} why */
    #stop(why) {
      this.#isStopped = true;
      this.missing.add(why);
    }

    /**
     * @param {Node} node
     * @param {number} depth
     * @param {boolean} isSeen
     * @param {CSSStyleDeclaration | undefined} around  The style of what it is in.
     */
    #visit(node, depth, isSeen, around) {
      if (this.#isOver(depth)) return;
      const type = typeOf(node);
      if (type === Node.TEXT_NODE) {
        if (isSeen) this.#text(textOf(node), around);
        return;
      }
      if (type !== Node.ELEMENT_NODE) return;
      const name = nameOf(node);
      const math = isSeen ? formula(node, name) : undefined;
      if (math !== undefined) return this.#formula(math);
      if (SKIPPED.has(name)) return this.#passOver(node, name);
      const style = this.#isDrawn ? styleOf(node) : undefined;
      if (style) {
        if (style.display === "none") return this.#passHidden(node);
        isSeen = style.visibility === "visible";
        if (style.contentVisibility === "hidden") return this.#passHidden(node);
      }
      const names = `${attribute(node, "id")} ${attribute(node, "class")}`;
      const position = style?.position ?? "";
      if (isSeen && style && this.#isLeftOut(node, name, names, style, position)) return;
      if (isSeen && style) {
        // Scripts can make a control of every element.
        const isPressed = style.cursor === "pointer" && around?.cursor !== "pointer";
        this.#note(/** @type {Element} */ (node), name, names, isPressed);
      }
      const display = style?.display;
      const isBlock = display === undefined ? BLOCKS.has(name) : isBlockOf(display, name, around);
      const isApart = isBlock && PARAGRAPHS.has(name) && !this.#isInTable;
      if (isBlock) this.#lines.break(isApart);
      else if (display === "table-cell" || (around && /flex|grid/.test(around.display))) this.#lines.add(" ");
      const isDeleted = isSeen && isStruckOut(name, style) && /\S/.test(textOf(node));
      // Marks do not reach over several blocks: there, each text has its own.
      const isStruck = isDeleted && all(node, SEVERAL_LINES).length === 0;
      const wasStruck = this.#isStruck;
      this.#isStruck ||= isDeleted && !isStruck;
      if (isStruck) this.#lines.add("~~");
      this.#visitElement(node, name, isSeen, depth, style, () => {
        for (const child of childrenOf(node)) this.#visit(child, depth + 1, isSeen, style);
      });
      if (isStruck) this.#lines.add("~~");
      this.#isStruck = wasStruck;
      if (isBlock) this.#lines.break(isApart);
    }

    /** @param {string} text @param {CSSStyleDeclaration | undefined} around */
    #text(text, around) {
      if (text.length < 80 && /\d/.test(text) && signs.isPartOfMore(text)) this.missing.add("pages");
      if (text.length < LONGEST_OFFER && signs.PAYWALL.test(text)) this.missing.add("paywall");
      if (this.#isStruck && text.trim()) return this.#lines.add(` ~~${text.trim()}~~ `);
      if (!around || !/[\n\r]/.test(text)) return this.#lines.add(text);
      const whiteSpace = spacesOf(around);
      if (whiteSpace === "collapse") this.#lines.add(text);
      else this.#lines.addKept(text, whiteSpace !== "preserve-breaks");
    }

    /** @param {string} tex  With its delimiters. */
    #formula(tex) {
      if (!tex.startsWith("$$") || this.#isInTable) return this.#lines.add(tex);
      this.#lines.break();
      this.#lines.add(tex);
      this.#lines.break();
    }

    // --- what is left out -------------------------------------------------------------------------------------------

    /** What is no text. @param {Node} node @param {string} name */
    #passOver(node, name) {
      if (!this.#isDrawn) return;
      const element = /** @type {Element} */ (node);
      if (name === "canvas" && signs.isDrawnPage(element, styleOf(node))) this.missing.add("canvas");
      if ((name === "object" || name === "embed") && styleOf(node).display !== "none") {
        if (signs.unreadFrame(element) !== undefined) this.missing.add("frames");
      }
      if (name === "svg") this.#drawing(node);
      if (name === "video" || name === "audio") this.#captions(node);
    }

    /** What the page does not draw. @param {Node} node */
    #passHidden(node) {
      const text = textOf(node).trim();
      if (text.length < signs.SHORTEST_PART) return;
      if (!this.missing.has("folded") && signs.isFolded(/** @type {Element} */ (node))) this.missing.add("folded");
      if (
        signs.TRANSCRIPT.test(signs.namesOf(node)) &&
        !this.#hasTranscript &&
        all(document, "video, audio").length > 0
      )
        this.#transcript(() => {
          const reader = new Reader({ isDrawn: false, isAll: true });
          return reader.read(node);
        });
    }

    /**
     * What is drawn, and is no part of the page's text.
     * @param {Node} node
     * @param {string} name
     * @param {string} names
     * @param {CSSStyleDeclaration} style
     * @param {string} position
     */
    #isLeftOut(node, name, names, style, position) {
      if ((position === "absolute" || position === "fixed") && isClipped(style)) {
        this.#label(node);
        return true;
      }
      if (names.length > 1 && ICON_FONT.test(names)) return true;
      if (isColumnOfNumbers(node, style) || names.includes("mw-editsection")) return true;
      if (position === "fixed" && isOffScreen(/** @type {Element} */ (node))) return true;
      if (name === "button" || name === "clipboard-copy" || attribute(node, "role") === "button") {
        if (isCopyButton(node)) return true;
      }
      if (isDraft(node) && !isCodeBlock(node, name, style)) {
        this.#leaveTyped(textOf(node));
        return true;
      }
      if (this.#isAll) return false;
      if (signs.isConsent(/** @type {Element} */ (node), names, position)) {
        this.hasConsent = true;
        return true;
      }
      if (!surrounds(node, name, names)) return false;
      this.hasSkipped = true;
      if (signs.hasOtherPages(/** @type {Element} */ (node), names + attribute(node, "aria-label")))
        this.missing.add("pages");
      return true;
    }

    /** What is there for screen readers alone stands for a picture, where nothing else stands beside it. @param {Node} node */
    #label(node) {
      const text = textOf(node).trim();
      const parent = parentOf(node);
      if (!/\d/.test(text) || text.length > LONGEST_LABEL || !parent || all(node, "math").length > 0) return;
      if (textOf(parent).trim() === text) this.#lines.add(` ${text} `);
    }

    // --- signs that there is more -----------------------------------------------------------------------------------

    /** @param {Element} node @param {string} name @param {string} names @param {boolean} isPressed  It looks as if it can be pressed. */
    #note(node, name, names, isPressed) {
      const isLink = name === "a" && has(node, "href");
      const isControl = isPressed || name === "a" || name === "button" || name === "summary" || has(node, "onclick");
      if (isControl || /^(?:button|tab|link)$/.test(attribute(node, "role"))) this.#noteControl(node, name, isLink);
      if (names.length > 1) {
        const empty = signs.emptyPlace(node, names);
        if (empty) this.missing.add(empty);
        if (signs.isProgress(node, names)) this.missing.add("virtual");
        if (signs.hasOtherPages(node, names) && !signs.isBeside(node)) this.missing.add("pages");
      }
      if ((names.length > 1 || name.includes("-")) && signs.TRANSCRIPT.test(`${name} ${names}`)) {
        if (textOf(node).trim().length >= signs.SHORTEST_PART) this.#hasTranscript = true;
      }
      if (has(node, "style") && signs.isVirtual(node)) this.missing.add("virtual");
      if (attribute(node, "aria-busy") === "true" && !textOf(node).trim()) this.missing.add("loading");
      if (has(node, "aria-setsize")) {
        const list = `${attribute(node, "role") || name} ${attribute(node, "aria-setsize")}`;
        this.#items.set(list, (this.#items.get(list) ?? 0) + 1);
      }
    }

    /** @param {Element} node @param {string} name @param {boolean} isLink */
    #noteControl(node, name, isLink) {
      const role = attribute(node, "role");
      const label = textOf(node).trim().replace(/\s+/g, " ");
      if (signs.isBeside(node)) return;
      const isPage = isLink && role !== "button" && !isSamePage(addressOf(node) ?? "");
      const brought = name === "summary" ? undefined : signs.brings(node, label, isPage);
      if (brought) this.missing.add(brought);
      if (signs.foldedBy(node, (id) => (id ? (all(document, `#${CSS.escape(id)}`)[0] ?? null) : null)))
        this.missing.add("folded");
      if (signs.TRANSCRIPT.test(`${label} ${attribute(node, "aria-label")}`) && label.length < 60) {
        const isOpen = attribute(node, "aria-expanded") === "true";
        if (!isOpen && all(document, "video, audio, iframe").length > 0) this.#offersTranscript = true;
      }
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
      const lines = this.#lines;
      if (isTable(node, name) && this.#table(node, name, isSeen, depth)) return;
      if (isCodeBlock(node, name, style)) return this.#code(node, isSeen);
      const level = /^h[1-6]$/.test(name) ? Number(name[1]) : headingLevel(node);
      if (level > 0) return this.#heading(level, inside);
      switch (name) {
        case "br":
          return lines.break(lines.line === "");
        case "hr":
          return lines.addLine("---");
        case "li": {
          const mark = this.#markOf(node, style);
          return this.#indent(" ".repeat(mark.length), mark, inside);
        }
        case "dd":
          return this.#indent("  ", ": ", inside);
        case "blockquote":
          return this.#indent("> ", "", inside);
        case "a":
          return this.#link(node, inside);
        case "img":
          return isSeen ? this.#picture(attribute(node, "alt"), attribute(node, "class")) : undefined;
        case "sup":
        case "sub":
          return isSeen ? this.#raised(node, name, depth) : undefined;
        case "rt":
          return isSeen && textOf(node).trim() ? this.#between("(", inside, ")") : undefined;
        case "rtc":
          return undefined;
        case "q":
          return this.#between("“", inside, "”");
        case "ins":
          return /\S/.test(textOf(node)) ? this.#between("<ins>", inside, "</ins>") : inside();
        case "abbr":
          inside();
          return isSeen ? this.#explain(node) : undefined;
        case "input":
        case "textarea":
        case "select":
          return isSeen ? this.#field(node, name) : undefined;
        case "iframe":
        case "frame":
          return isSeen ? this.#frame(node, depth) : undefined;
        case "button":
        case "td":
        case "th":
          return this.#between(" ", inside, " ");
        default:
          return inside();
      }
    }

    /** @param {string} before @param {() => void} inside @param {string} after */
    #between(before, inside, after) {
      this.#lines.add(before);
      inside();
      this.#lines.add(after);
    }

    /** @param {number} level @param {() => void} inside */
    #heading(level, inside) {
      if (this.#isInTable) return inside();
      this.#lines.break(true);
      this.#lines.mark(`${"#".repeat(level)} `);
      inside();
      this.#lines.unmark();
      this.#lines.break(true);
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

    /** @param {Node} item  Of a list. @param {CSSStyleDeclaration | undefined} style */
    #markOf(item, style) {
      const list = parentOf(item);
      if (style?.listStyleType === "none") return "- ";
      if (!list || typeOf(list) !== Node.ELEMENT_NODE || nameOf(list) !== "ol") return "- ";
      const step = has(/** @type {Element} */ (list), "reversed") ? -1 : 1;
      const items = () =>
        childrenOf(list).filter((node) => typeOf(node) === Node.ELEMENT_NODE && nameOf(node) === "li");
      const last =
        this.#numbers.get(list) ?? (whole(attribute(list, "start")) ?? (step < 0 ? items().length : 1)) - step;
      const number = whole(attribute(item, "value")) ?? last + step;
      this.#numbers.set(list, number);
      return `${numeral(number, style?.listStyleType ?? "decimal")}. `;
    }

    /** @param {Node} node @param {boolean} isSeen */
    #code(node, isSeen) {
      if (!isSeen || isNumbers(node)) return;
      if (all(node, "[style]").some(signs.isVirtual)) this.missing.add("virtual");
      this.#codeBlock(codeLines(node, this.#isDrawn), languageOf(node));
    }

    /** @param {string[]} code @param {string} language */
    #codeBlock(code, language) {
      if (code.length === 0) return;
      if (this.#isInTable) {
        for (const line of code) this.#lines.addLine(`\`${line}\``);
        return;
      }
      const fence = fenceOf(code);
      this.#lines.break(true);
      this.#lines.addLine(`${fence}${language}`);
      for (const line of code) {
        if (this.#counter.size > LIMIT) break;
        this.#lines.addLine(line);
      }
      this.#lines.addLine(fence);
      this.#lines.break(true);
    }

    /**
     * @param {Node} node
     * @param {string} name
     * @param {boolean} isSeen
     * @param {number} depth
     * @returns {boolean}  False: it is none, and only arranges the page.
     */
    #table(node, name, isSeen, depth) {
      const isShown = (/** @type {Node} */ part) => !this.#isDrawn || styleOf(part).display !== "none";
      const { rows, captions } = partsOf(node, isShown);
      const total = Number(attribute(node, "aria-rowcount"));
      if (total > rows.length) this.missing.add("virtual");
      if (!isSeen) return false;
      const drawn = (/** @type {Node} */ cell) => {
        if (!this.#isDrawn) return undefined;
        const style = styleOf(cell);
        return { whiteSpace: spacesOf(style), font: style.fontFamily };
      };
      if (name === "table" && isCode(rows, drawn)) {
        const code = rows.flatMap(({ cells }) => {
          const whole = cells.filter(({ node }, at) => {
            if (at < cells.length - 1 && /^\s*\d[\s\d]*$/.test(textOf(node))) return false;
            return !isGutter(node, this.#isDrawn ? styleOf(node) : undefined);
          });
          const parts = whole.map((cell) => codeLines(cell.node, this.#isDrawn));
          return parts.length === 1 && parts[0].length > 0 ? parts[0] : [parts.flat().join(" ")];
        });
        this.#codeBlock(code, languageOf(node));
        return true;
      }
      if (this.#isInTable || !holdsData(node, rows)) return false;
      for (const caption of captions) this.#visit(caption, depth + 1, isSeen, undefined);
      const lines = this.#lines;
      const read = (/** @type {Node} */ cell) => {
        this.#lines = new Lines(this.#counter);
        this.#isInTable = true;
        const style = this.#isDrawn ? styleOf(cell) : undefined;
        if (style?.visibility === undefined || style.visibility === "visible") {
          for (const child of childrenOf(cell)) this.#visit(child, depth + 3, isSeen, style);
        }
        const { text } = this.#lines;
        this.#lines = lines;
        this.#isInTable = false;
        return text;
      };
      lines.break(true);
      for (const line of tableLines(rows, read, () => this.#isStopped)) lines.addLine(line);
      lines.break(true);
      return true;
    }

    /** @param {Node} node @param {() => void} inside */
    #link(node, inside) {
      const address = withoutUser(addressOf(node) ?? "");
      const text = textOf(node);
      const isHere = withoutFragment(address) === here;
      if (isHere && address !== here && text.length < 3 && PERMALINK.test(text) && !all(node, "img").length) return;
      if (isHere || !/^https?:/.test(address) || address.length > LONGEST_ADDRESS || !text.trim()) return inside();
      const isCard = all(node, `${SEVERAL_LINES}, article, section`).length > 0;
      if (isCard) {
        inside();
        this.#lines.add(` (${address})`);
      } else this.#between("[", inside, `](${address})`);
    }

    /** @param {string} label @param {string} [names]  Of the picture's classes. */
    #picture(label, names = "") {
      const words = label.trim();
      if (!words) return;
      const isSign = /emoji|smil(?:ey|ies)/i.test(names) || !/[\p{L}\p{N}]/u.test(words);
      this.#lines.add(isSign ? words : ` [image: ${words}] `);
    }

    /** The labels in it. @param {Node} node  An SVG. */
    #drawing(node) {
      const labels = all(node, "text, foreignObject").map((label) => textOf(label).replace(/\s+/g, " ").trim());
      const named = attribute(node, "role") === "img" ? attribute(node, "aria-label") : "";
      if (labels.some(Boolean) || named) this.#picture([named, ...labels].filter(Boolean).join(", "));
    }

    /** An exponent, an index, the mark of a note. @param {Node} node @param {string} name @param {number} depth */
    #raised(node, name, depth) {
      const reader = new Reader({ isDrawn: this.#isDrawn, isAll: true });
      for (const child of childrenOf(node)) reader.#visit(child, depth + 1, true, undefined);
      const drawn = reader.#lines.text.replace(/\n+/g, " ");
      const link = all(node, "a[href]")[0];
      const isNote = link && withoutFragment(addressOf(link) ?? "") === here;
      if (!drawn) return;
      if (/^\[.*\]$/.test(drawn) || !/[\p{L}\p{N}]/u.test(drawn)) this.#lines.add(drawn);
      else if (name === "sup" && isNote) this.#lines.add(`[^${drawn}]`);
      else if (name === "sup" && ORDINAL.test(drawn)) this.#lines.add(drawn);
      else if (name === "sup" && /^\d\d$/.test(drawn) && /[$€£¥]\s?\d[\d,. ]*$/.test(this.#lines.line))
        this.#lines.add(`.${drawn}`);
      else {
        const sign = name === "sup" ? "^" : "_";
        this.#lines.add(/^[-+−–]?[\p{L}\p{N}.,]+[-+−–]?$/u.test(drawn) ? sign + drawn : `${sign}(${drawn})`);
      }
    }

    /** What an abbreviation stands for, once. @param {Node} node */
    #explain(node) {
      const title = attribute(node, "title").trim();
      const key = `${textOf(node)} ${title}`;
      if (!title || title === textOf(node).trim() || this.#explained.has(key)) return;
      this.#explained.add(key);
      this.#lines.add(` (${title})`);
    }

    /** What is typed or chosen in a form is its user's own, and is not read. @param {Node} node @param {string} name */
    #field(node, name) {
      if (name === "textarea") return this.#leaveTyped(textValueOf(node));
      if (name === "select") return;
      const kind = kindOf(node);
      if (kind === "checkbox" && has(/** @type {Element} */ (node), "disabled")) {
        // Nobody can choose it: it is how a page writes a list of tasks.
        this.#lines.add(has(/** @type {Element} */ (node), "checked") ? " [x] " : " [ ] ");
      } else if (/^(?:button|submit)$/.test(kind) && signs.brings(node, attribute(node, "value"), false))
        this.missing.add("more");
    }

    /** @param {string | undefined} text  That is not read. */
    #leaveTyped(text) {
      if (text && text.trim().length >= signs.SHORTEST_PART) this.missing.add("typed");
    }

    /** @param {Node} node @param {number} depth */
    #frame(node, depth) {
      const element = /** @type {Element} */ (node);
      const page = frameDocumentOf(node);
      const body = page && (bodyOf(page) ?? rootOf(page));
      const { width, height } = boxOf(element);
      if (width < 2 || height < 2) return;
      if (body && this.#frames < DEEPEST_FRAME) {
        this.#frames += 1;
        this.#lines.break(true);
        if (readyStateOf(page) === "loading") this.missing.add("loading");
        this.#visit(body, depth + 1, true, undefined);
        this.#lines.break(true);
        this.#frames -= 1;
        return;
      }
      const host = signs.unreadFrame(element);
      if (host === undefined) return;
      this.missing.add("frames");
      if (host && this.hosts.size < MOST_FRAMES_NAMED) this.hosts.add(host);
    }

    // --- films ------------------------------------------------------------------------------------------------------

    /** @param {Node} media */
    #captions(media) {
      const cues = [...(tracksOf(media) ?? [])]
        .map((track) => [...(track.cues ?? [])])
        .find(({ length }) => length > 0);
      if (cues) this.#transcript(() => cues.map(({ text }) => String(text).replace(/<[^>]*>/g, "")).join("\n"));
    }

    /** What is said in a film or a recording, where the page has it and does not draw it. @param {() => string} read */
    #transcript(read) {
      if (this.#hasTranscript) return;
      this.#hasTranscript = true;
      this.#heading(2, () => this.#lines.add("Transcript"));
      this.#lines.addKept(read());
      this.#lines.break(true);
    }
  }

  const SEVERAL_LINES = "p, div, ul, ol, table, pre, blockquote, h1, h2, h3, h4, h5, h6";

  /** @param {string} display @param {string} name @param {CSSStyleDeclaration | undefined} around */
  function isBlockOf(display, name, around) {
    if (/^(?:inline|contents|ruby|none|table-cell|table-column|math)/.test(display)) return false;
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

  /** @param {Node} node @param {string} name @param {CSSStyleDeclaration | undefined} style */
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

  /** Each of its elements is a line of code, as in viewers of files. @param {Node} node */
  function areLinesOfCode(node) {
    const parts = childrenOf(node).filter((part) => typeOf(part) !== Node.TEXT_NODE || textOf(part).trim());
    if (parts.length < 2 || parts.some((part) => typeOf(part) !== Node.ELEMENT_NODE)) return false;
    const [first, second] = parts;
    const classOf = (/** @type {Node} */ part) => attribute(part, "class").trim().split(/\s+/)[0];
    if (!classOf(first) || classOf(first) !== classOf(second)) return false;
    if (parts.some((part) => textOf(part).includes("\n"))) return false;
    return isDrawnAsCode(first, nameOf(first), styleOf(first));
  }

  /**
   * Whether an element is a box that somebody writes in, like those for messages and comments. Documents can be edited as well: they are most
   * of their page, or come in many parts, and are read.
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

  /** @param {Node} node */
  function headingLevel(node) {
    if (attribute(node, "role") !== "heading") return 0;
    return Math.min(Math.max(Number.parseInt(attribute(node, "aria-level"), 10) || 2, 1), 6);
  }

  /** There for screen readers alone. @param {CSSStyleDeclaration} style */
  function isClipped(style) {
    if (/^rect\((?:0|1)(?:px)?[, ]/.test(style.clip) || /^inset\((?:50|100)%/.test(style.clipPath)) return true;
    if (style.overflowX !== "visible" && (Number.parseFloat(style.width) <= 1 || Number.parseFloat(style.height) <= 1))
      return true;
    return Number.parseFloat(style.left) <= -999 || Number.parseFloat(style.top) <= -999;
  }

  /** No scrolling brings it into view, as a menu that waits beside the window. @param {Element} fixed */
  function isOffScreen(fixed) {
    const { bottom, height, left, right, top, width } = boxOf(fixed);
    return width * height > 0 && (right <= 0 || bottom <= 0 || left >= innerWidth || top >= innerHeight);
  }

  const AROUND =
    /(?:^|[\s_-])(?:nav|navbar|navigation|menu|menubar|sidebar|breadcrumbs?|site-?footer|page-?footer|footer|toc)(?:[\s_-]|$)/i;

  /**
   * Whether an element is what surrounds a page's text: navigation, the site's header and footer. Such elements hold little but links.
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
    // What stands beside is part of the text, where it is no list of links.
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

  /** @param {Node} frame @returns {Document | null | undefined} */
  function frameDocumentOf(frame) {
    if (nameOf(frame) !== "frame") return frameOf(frame);
    return /** @type {Document | null} */ (property(HTMLFrameElement.prototype, "contentDocument")(frame));
  }

  /** @param {string} digits */
  function whole(digits) {
    const number = Number.parseInt(digits, 10);
    return Number.isSafeInteger(number) ? number : undefined;
  }

  /** @type {[string, number][]} */
  const ROMAN = [
    ["m", 1000],
    ["cm", 900],
    ["d", 500],
    ["cd", 400],
    ["c", 100],
    ["xc", 90],
    ["l", 50],
    ["xl", 40],
    ["x", 10],
    ["ix", 9],
    ["v", 5],
    ["iv", 4],
    ["i", 1],
  ];

  /** @param {number} number @param {string} type  Of CSS. */
  function numeral(number, type) {
    if (number > 0 && /^(?:lower|upper)-(?:alpha|latin)$/.test(type)) {
      let letters = "";
      for (let rest = number; rest > 0; rest = Math.floor((rest - 1) / 26)) {
        letters = String.fromCharCode(97 + ((rest - 1) % 26)) + letters;
      }
      return type.startsWith("upper") ? letters.toUpperCase() : letters;
    }
    if (number > 0 && number < 4000 && /^(?:lower|upper)-roman$/.test(type)) {
      let roman = "";
      let rest = number;
      for (const [sign, value] of ROMAN) {
        roman += sign.repeat(Math.floor(rest / value));
        rest %= value;
      }
      return type.startsWith("upper") ? roman.toUpperCase() : roman;
    }
    return String(number);
  }

  /** Whether a link shows more of this very page. @param {string} address */
  function isSamePage(address) {
    if (!/^https?:/.test(address)) return true;
    const withoutQuery = (/** @type {string} */ of) => of.replace(/[?#].*$/s, "");
    return withoutFragment(address) === here || withoutQuery(address) === withoutQuery(here);
  }

  /** What ended the reading of something that is there. */
  const FAILURES = new Set(["cut", "slow", "deep", "failed", "frames", "canvas"]);

  /** @param {Node} root @param {{isDrawn: boolean, isAll: boolean}} how */
  function readWith(root, how) {
    const reader = new Reader(how);
    return { text: reader.read(root), reader };
  }

  /** @param {Node} root */
  function readAll(root) {
    const main = readWith(root, { isDrawn: true, isAll: false });
    const { hasSkipped, hasConsent } = main.reader;
    if (main.text.length >= SHORTEST_PAGE || !(hasSkipped || hasConsent)) return main;
    const everything = readWith(root, { isDrawn: true, isAll: true });
    if (hasConsent && main.text.length < SHORTEST_TEXT) {
      // The page hides its text as long as it asks: what is beneath, or the question alone.
      const hidden = all(root, "main, article, [role=main], #content").filter(
        (each) => boxOf(each).height === 0 || styleOf(each).visibility !== "visible",
      );
      const beneath = hidden.length > 0 ? readWith(hidden[0], { isDrawn: false, isAll: true }) : everything;
      const chosen = beneath.text.length >= SHORTEST_TEXT ? beneath : main.text ? main : everything;
      if (chosen !== main || hidden.length > 0) chosen.reader.missing.add("consent");
      return chosen;
    }
    if (hasConsent || main.text.length * 2 >= everything.text.length) return main;
    // Navigation leads to other pages, and is no sign that this one has more.
    for (const reason of everything.reader.missing) if (!FAILURES.has(reason)) everything.reader.missing.delete(reason);
    for (const reason of main.reader.missing) everything.reader.missing.add(reason);
    return everything;
  }

  const root = bodyOf(document) ?? rootOf(document);
  const read = root ? readAll(root) : undefined;
  const missing = read?.reader.missing ?? new Set();
  const text = read?.text ?? "";
  if (text.length > LIMIT) missing.add("cut");
  if (readyStateOf(document) === "loading") missing.add("loading");
  return {
    address: location.href,
    title: property(Document.prototype, "title")(document),
    language: rootOf(document) ? attribute(/** @type {Node} */ (rootOf(document)), "lang") : "",
    type: property(Document.prototype, "contentType")(document),
    text: text.slice(0, LIMIT),
    missing: [...missing],
    hosts: [...(read?.reader.hosts ?? [])],
  };
})();
