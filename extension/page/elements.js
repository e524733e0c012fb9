/** How each kind of element is written. Injected before `reader.js`. */
/**
 * @param {object} parts
 * @param {ReturnType<typeof pageDom>} parts.dom
 * @param {ReturnType<typeof pageAddresses>} parts.addresses
 * @param {ReturnType<typeof pageSigns>} parts.signs
 */
function pageElements({ dom, addresses, signs }) {
  /** Longer addresses of links are of use to nobody. */
  const LONGEST_ADDRESS = 500;
  const DEEPEST_FRAME = 4;
  /** Elements that have lines of their own. */
  const SEVERAL_LINES = "p, div, ul, ol, table, pre, blockquote, h1, h2, h3, h4, h5, h6";
  /** Raised text that is no exponent, but only smaller. */
  const ORDINAL = /^(?:st|nd|rd|th|er|re|ère|ème|nde?|o|ª|º|tm|sm)$/i;
  const PERMALINK = /^[#¶§🔗\ue000-\uf8ff\s]*$/u;

  const { addressOf, all, attribute, bodyOf, boxOf, frameOf, has, nameOf, property, rootOf, textOf } = dom;
  const { here, leadsHere, withoutFragment, withoutUser } = addresses;
  const kindOf = property(HTMLInputElement.prototype, "type");
  const textValueOf = property(HTMLTextAreaElement.prototype, "value");
  const readyStateOf = property(Document.prototype, "readyState");
  const framesetDocumentOf = property(HTMLFrameElement.prototype, "contentDocument");

  /**
   * An element that is read, and what is to be written of it.
   * @typedef {object} Visit
   * @property {Node} node
   * @property {string} name
   * @property {boolean} isSeen
   * @property {number} depth
   * @property {CSSStyleDeclaration | undefined} style
   * @property {() => void} inside  Visits its children.
   * @property {InstanceType<ReturnType<typeof pageReader>>} reader
   */

  /** @type {Record<string, (visit: Visit) => void>} */
  const handlers = {
    br: ({ reader: { out } }) => out.lines.break(out.lines.line === ""),
    hr: ({ reader }) => reader.out.lines.addLine("---"),
    li({ node, style, inside, reader: { numbering, out } }) {
      const mark = numbering.markOf(node, style);
      out.indent(" ".repeat(mark.length), mark, inside);
    },
    dd: ({ inside, reader }) => reader.out.indent("  ", ": ", inside),
    blockquote: ({ inside, reader }) => reader.out.indent("> ", "", inside),
    a: link,
    img({ node, isSeen, reader }) {
      if (isSeen) reader.out.picture(attribute(node, "alt"), attribute(node, "class"));
    },
    sup: raised,
    sub: raised,
    rt({ node, isSeen, inside, reader }) {
      if (isSeen && textOf(node).trim()) reader.out.between("(", inside, ")");
    },
    rtc: () => {},
    q: ({ inside, reader }) => reader.out.between("“", inside, "”"),
    ins({ node, inside, reader }) {
      if (/\S/.test(textOf(node))) reader.out.between("<ins>", inside, "</ins>");
      else inside();
    },
    abbr: abbreviation,
    input: field,
    textarea: field,
    select: field,
    iframe: frame,
    frame,
    button: spaced,
    td: spaced,
    th: spaced,
  };
  /** By the name of the element: a page may call one of its own `constructor`. */
  const HANDLERS = new Map(Object.entries(handlers));

  /** @param {Visit} visit */
  function spaced({ inside, reader }) {
    reader.out.between(" ", inside, " ");
  }

  /** @param {Visit} visit */
  function link({ node, inside, reader: { out } }) {
    const address = withoutUser(addressOf(node) ?? "");
    const text = textOf(node);
    const isHere = withoutFragment(address) === here;
    if (isHere && address !== here && text.length < 3 && PERMALINK.test(text) && !all(node, "img").length) return;
    if (isHere || !/^https?:/.test(address) || address.length > LONGEST_ADDRESS || !text.trim()) return inside();
    const isCard = all(node, `${SEVERAL_LINES}, article, section`).length > 0;
    if (isCard) {
      inside();
      out.lines.add(` (${address})`);
    } else out.between("[", inside, `](${address})`);
  }

  /** Writes an exponent, an index or the mark of a note. @param {Visit} visit */
  function raised({ node, name, isSeen, depth, reader }) {
    if (!isSeen) return;
    const drawn = reader.readApart(node, depth).replace(/\n+/g, " ");
    const target = all(node, "a[href]")[0];
    const isNote = target && leadsHere(target);
    if (!drawn) return;
    const { lines } = reader.out;
    if (/^\[.*\]$/.test(drawn) || !/[\p{L}\p{N}]/u.test(drawn)) lines.add(drawn);
    else if (name === "sup" && isNote) lines.add(`[^${drawn}]`);
    else if (name === "sup" && ORDINAL.test(drawn)) lines.add(drawn);
    else if (name === "sup" && /^\d\d$/.test(drawn) && /[$€£¥]\s?\d[\d,. ]*$/.test(lines.line)) lines.add(`.${drawn}`);
    else {
      const sign = name === "sup" ? "^" : "_";
      lines.add(/^[-+−–]?[\p{L}\p{N}.,]+[-+−–]?$/u.test(drawn) ? sign + drawn : `${sign}(${drawn})`);
    }
  }

  /** Writes an abbreviation, and once what it means. @param {Visit} visit */
  function abbreviation({ node, isSeen, inside, reader: { explained, out } }) {
    inside();
    const title = attribute(node, "title").trim();
    const key = `${textOf(node)} ${title}`;
    if (!isSeen || !title || title === textOf(node).trim() || explained.has(key)) return;
    explained.add(key);
    out.lines.add(` (${title})`);
  }

  /** Leaves out what is typed or chosen in a form, because it is its user's own. @param {Visit} visit */
  function field({ node, name, isSeen, reader: { findings, out } }) {
    if (!isSeen || name === "select") return;
    if (name === "textarea") return findings.noteTyped(textValueOf(node));
    const kind = kindOf(node);
    if (kind === "checkbox" && has(/** @type {Element} */ (node), "disabled")) {
      // Nobody can choose it: it is how a page writes a list of tasks.
      out.lines.add(has(/** @type {Element} */ (node), "checked") ? " [x] " : " [ ] ");
    } else if (/^(?:button|submit)$/.test(kind) && signs.brings(node, attribute(node, "value"), false))
      findings.add("more");
  }

  /** Reads the document in a frame, where the browser gives it. @param {Visit} visit */
  function frame({ node, isSeen, depth, reader }) {
    if (!isSeen) return;
    const element = /** @type {Element} */ (node);
    const page = /** @type {Document | null | undefined} */ (
      nameOf(node) === "frame" ? framesetDocumentOf(node) : frameOf(node)
    );
    const body = page && (bodyOf(page) ?? rootOf(page));
    const { width, height } = boxOf(element);
    if (width < 2 || height < 2) return;
    if (!body || reader.frameDepth >= DEEPEST_FRAME) return reader.findings.noteFrame(element);
    const { lines } = reader.out;
    reader.frameDepth += 1;
    lines.break(true);
    if (readyStateOf(page) === "loading") reader.findings.add("loading");
    reader.visit(body, depth + 1, true, undefined);
    lines.break(true);
    reader.frameDepth -= 1;
  }

  return { HANDLERS, SEVERAL_LINES };
}
