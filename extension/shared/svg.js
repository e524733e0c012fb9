/**
 * SVG of code and models, with nothing left in it that could multiply, move, load or lead elsewhere: shapes, texts and
 * gradients, each drawn once. It is read in one pass, without the browser's parser, so that the worker can do it as
 * well; what is no well-formed XML is refused.
 *
 * Left out are elements that repeat or layer others (`use`, `symbol`, `pattern`, `mask`, `clipPath`, `filter`, `marker`
 * in what is not a diagram), load (`image`, `foreignObject`, `feImage`), move (`animate`, `set`), or run (`script`,
 * handlers); entities and document types; of style sheets and `style` whatever layers or moves.
 */

/** Characters of a text, elements, and levels of them. */
const LONGEST = 4_000_000;
const MOST_ELEMENTS = 20_000;
const DEEPEST = 60;
/** Of the picture, in CSS pixels a side. */
const LARGEST_SIDE = 10_000;
/** So many elements may be see-through as a whole, which takes a layer each. */
const MOST_LAYERS = 200;
/** Arrow heads are drawn once for each end of a line: so many elements of theirs in all. */
const MOST_IN_MARKERS = 100_000;
/** Characters of style sheets: each of their rules is compared with each element. */
const LONGEST_STYLE = 60_000;
/** Characters of all elements' own styles, which count for themselves. */
const LONGEST_OWN_STYLES = 1_000_000;
/** A dash shorter than this part of a pixel makes more dashes than can be seen. */
const SHORTEST_DASH = 0.5;

const SHAPES = "svg g path rect circle ellipse line polyline polygon text tspan textPath title desc defs";
const PAINT = "linearGradient radialGradient stop style a switch";
const KEPT = new Set(`${SHAPES} ${PAINT}`.split(" "));
/** What only Mermaid's diagrams have: arrow heads. Those in one are drawn once for each end of a line. */
const KEPT_IN_DIAGRAMS = new Set(["marker"]);
/** Attributes that lay one element over another, several times, or as a whole. */
const LAYERING =
  /^(?:filter|mask|clip-path|mask-.*|mix-blend-mode|isolation|will-change|cursor|transform-box|requiredExtensions)$/;
const MARKERS = /^marker(?:-start|-mid|-end)?$/;
/** Of style sheets, what is left out with its value. */
const STYLED =
  /(?<![\w-])(?:-webkit-)?(?:filter|backdrop-filter|mask[\w-]*|clip-path|animation[\w-]*|transition[\w-]*|mix-blend-mode|isolation|will-change|content|background[\w-]*|list-style[\w-]*|cursor|behavior|offset-path|shape-[\w-]+|box-shadow|text-shadow|perspective|marker[\w-]*|columns|zoom|d)\s*:[^;}]*;?/gi;

const NAME = /[A-Za-z_][\w.:-]*/y;
const ATTRIBUTE = /\s+([A-Za-z_][\w.:-]*)\s*=\s*(?:"([^"<]*)"|'([^'<]*)')/y;
const END_OF_TAG = /\s*(\/?)>/y;

/**
 * @param {string} source
 * @param {{isDiagram?: boolean}} [options]
 * @returns {string | undefined}  Undefined where it is no SVG, or too large to be shown.
 */
export function cleanSvg(source, { isDiagram = false } = {}) {
  if (source.length > LONGEST) return undefined;
  /** @type {string[]} */
  const out = [];
  /** The elements that are open, each with whether it is kept. @type {{name: string, isKept: boolean}[]} */
  const open = [];
  let elements = 0;
  let layers = 0;
  let styled = 0;
  let ownStyles = 0;
  /** Elements in arrow heads, and ends of lines that have one. */
  let inMarkers = 0;
  let ends = 0;
  /** How many of the open elements are left out: what is in those is, too. */
  let skipping = 0;
  let isDone = false;
  for (let at = 0; at < source.length; ) {
    const tag = source.indexOf("<", at);
    if (tag !== at) {
      const text = source.slice(at, tag < 0 ? source.length : tag);
      if (open.length === 0) {
        if (text.trim() && out.length > 0) return undefined;
      } else if (!skipping) {
        const inside = cleanText(text);
        if (inside === undefined) return undefined;
        const isStyle = open[open.length - 1].name === "style";
        if (isStyle) styled += inside.length;
        if (styled > LONGEST_STYLE) return undefined;
        out.push(isStyle ? cleanStyle(inside) : inside);
      }
      if (tag < 0) break;
    }
    const end = endOfMarkup(source, tag);
    if (end !== undefined) {
      if (end < 0) return undefined;
      if (source.startsWith("<![CDATA[", tag) && open.length > 0 && !skipping) {
        const text = escaped(source.slice(tag + 9, end - 3));
        const isStyle = open[open.length - 1].name === "style";
        if (isStyle) styled += text.length;
        if (styled > LONGEST_STYLE) return undefined;
        out.push(isStyle ? cleanStyle(text) : text);
      }
      at = end;
      continue;
    }
    if (source[tag + 1] === "/") {
      const close = source.indexOf(">", tag);
      const last = open.pop();
      if (!last || close < 0 || source.slice(tag + 2, close).trim() !== last.name) return undefined;
      if (last.isKept) out.push(`</${last.name}>`);
      else skipping -= 1;
      at = close + 1;
      isDone = open.length === 0;
      continue;
    }
    if (isDone) return undefined;
    const read = readTag(source, tag + 1);
    if (!read) return undefined;
    const { name, attributes, isEmpty } = read;
    if (open.length === 0 && name !== "svg") return undefined;
    elements += 1;
    if (elements > MOST_ELEMENTS || open.length >= DEEPEST) return undefined;
    const isKept = !skipping && (KEPT.has(name) || (isDiagram && KEPT_IN_DIAGRAMS.has(name)));
    if (isKept) {
      const isInside = open.length > 0;
      const kept = cleanAttributes(name, attributes, { isInside, isDiagram });
      ownStyles += kept.find(([key]) => key === "style")?.[1].length ?? 0;
      if (name !== "stop" && kept.some(([key, value]) => isSeeThrough(key, value))) layers += 1;
      if (name === "marker" || open.some((around) => around.name === "marker")) inMarkers += 1;
      ends += kept.filter(([key]) => MARKERS.test(key)).length;
      if (layers > MOST_LAYERS || ownStyles > LONGEST_OWN_STYLES || inMarkers * ends > MOST_IN_MARKERS)
        return undefined;
      out.push(`<${name}${kept.map(([key, value]) => ` ${key}="${value}"`).join("")}${isEmpty ? "/" : ""}>`);
    }
    if (!isEmpty) {
      open.push({ name, isKept });
      if (!isKept) skipping += 1;
    } else if (open.length === 0) isDone = true;
    at = read.end;
  }
  return isDone ? out.join("") : undefined;
}

/**
 * The end of a comment, an instruction, a document type or marked text; undefined where none begins, negative where it
 * has no end.
 * @param {string} source
 * @param {number} at
 */
function endOfMarkup(source, at) {
  const ends = { "<!--": "-->", "<![CDATA[": "]]>", "<?": "?>" };
  for (const [begin, end] of Object.entries(ends)) {
    if (!source.startsWith(begin, at)) continue;
    const found = source.indexOf(end, at + begin.length);
    return found < 0 ? -1 : found + end.length;
  }
  if (!source.startsWith("<!", at)) return undefined;
  // Its own declarations are what entities multiply by.
  const found = source.indexOf(">", at);
  return source.slice(at, found).includes("[") ? -1 : found + 1 || -1;
}

/**
 * @param {string} source
 * @param {number} from
 */
function readTag(source, from) {
  NAME.lastIndex = from;
  const name = NAME.exec(source)?.[0];
  if (!name) return undefined;
  let at = NAME.lastIndex;
  /** @type {[string, string][]} */
  const attributes = [];
  const seen = new Set();
  for (;;) {
    ATTRIBUTE.lastIndex = at;
    const found = ATTRIBUTE.exec(source);
    if (!found) break;
    if (seen.has(found[1])) return undefined;
    seen.add(found[1]);
    attributes.push([found[1], found[2] ?? found[3]]);
    at = ATTRIBUTE.lastIndex;
  }
  END_OF_TAG.lastIndex = at;
  const end = END_OF_TAG.exec(source);
  return end ? { name, attributes, isEmpty: end[1] === "/", end: END_OF_TAG.lastIndex } : undefined;
}

/**
 * @param {string} name
 * @param {[string, string][]} attributes
 * @param {{isInside: boolean, isDiagram: boolean}} where
 * @returns {[string, string][]}
 */
function cleanAttributes(name, attributes, { isInside, isDiagram }) {
  /** @type {[string, string][]} */
  const kept = [];
  for (const [key, raw] of attributes) {
    const value = cleanText(raw)?.replaceAll('"', "&quot;");
    if (value === undefined) continue;
    // At the ends alone; in every corner, or on a whole group, one would be drawn without end.
    if (
      MARKERS.test(key) &&
      (!isDiagram || key === "marker" || key === "marker-mid" || /^(?:g|svg|a|switch)$/.test(name))
    )
      continue;
    if (LAYERING.test(key) || key.startsWith("on") || key === "src" || key === "base" || key === "xml:base") continue;
    if (/(?:^|:)href$/.test(key) && !(/^\s*#/.test(value) && /Gradient$|^textPath$/.test(name))) continue;
    if (key.startsWith("xmlns") && key !== "xmlns" && key !== "xmlns:xlink") continue;
    if (key.includes(":") && !/^(?:xml:space|xml:lang|xlink:href|xmlns:xlink)$/.test(key)) continue;
    if (key === "stroke-dasharray" && hasTinyDashes(value)) continue;
    if (key === "style") kept.push([key, cleanStyle(value)]);
    else if (/^(?:width|height)$/.test(key) && name === "svg" && !isInside) kept.push([key, cleanSide(value)]);
    else if (!isForeign(value)) kept.push([key, value]);
  }
  return kept;
}

/**
 * An address is one of the picture's own elements.
 * @param {string} value
 */
function isForeign(value) {
  return /url\((?!\s*(?:["']|&quot;|&#39;|&apos;)?#)/i.test(value) || /\b(?:javascript|data|vbscript)\s*:/i.test(value);
}

/** @param {string} key @param {string} value */
function isSeeThrough(key, value) {
  if (key === "opacity") return Number.parseFloat(value) < 1;
  return key === "style" && /(?:^|[;\s])opacity\s*:/i.test(value);
}

/** @param {string} value */
function hasTinyDashes(value) {
  return value
    .split(/[\s,]+/)
    .some((part) => part !== "" && !(Number.parseFloat(part) >= SHORTEST_DASH || part === "0"));
}

/** @param {string} value */
function cleanSide(value) {
  const size = Number.parseFloat(value);
  if (/^\s*[\d.]+(?:e\d+)?(?:px)?\s*$/i.test(value)) return String(Math.min(Math.max(size || 0, 0), LARGEST_SIDE));
  return /^\s*\d{1,3}(?:\.\d+)?(?:%|em|rem|ex|pt|pc|mm|cm|in)\s*$/.test(value) ? value : "100%";
}

/**
 * Of style sheets, plain properties: nothing that moves, layers or loads, and no rules but those of elements.
 * @param {string} css
 */
function cleanStyle(css) {
  if (css.includes("\\") || /:(?:has|nth|where|is|not)\b/i.test(css)) return "";
  return withoutAtRules(withoutComments(css))
    .replace(STYLED, "")
    .replace(/stroke-dasharray\s*:([^;}]*)/gi, (found, value) => (hasTinyDashes(value.trim()) ? "" : found))
    .replace(/url\((?!\s*["']?#)[^)]*\)?/gi, "none");
}

/** @param {string} css */
function withoutComments(css) {
  const [first, ...others] = css.split("/*");
  return first + others.map((part) => part.split("*/").slice(1).join(" ")).join(" ");
}

/**
 * Without `@import`, `@keyframes`, `@media` and the like, and what is in their braces.
 * @param {string} css
 */
function withoutAtRules(css) {
  let kept = "";
  for (let at = 0; ; ) {
    const rule = css.indexOf("@", at);
    if (rule < 0) return kept + css.slice(at);
    kept += css.slice(at, rule);
    let depth = 0;
    for (at = rule; at < css.length; at += 1) {
      if (css[at] === "{") depth += 1;
      else if (css[at] === "}") depth -= 1;
      if (depth < 0 || (depth === 0 && (css[at] === ";" || css[at] === "}"))) break;
    }
    if (depth >= 0) at += 1;
  }
}

/**
 * Text without references but those to characters. Undefined where there are others: what an entity stands for may be
 * anything.
 * @param {string} text
 */
function cleanText(text) {
  const references = text.match(/&[^;]{0,12};?/g) ?? [];
  const isPlain = references.every((each) => /^&(?:amp|lt|gt|quot|apos|#\d{1,7}|#x[\da-f]{1,6});$/i.test(each));
  return isPlain ? text.replaceAll("]]>", "]]&gt;") : undefined;
}

/** @param {string} text */
function escaped(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
