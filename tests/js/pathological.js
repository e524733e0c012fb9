/**
 * Texts that make a parser work most for their length. Each makes about as many characters as it is asked for.
 */

/** @param {string} part @returns {(length: number) => string} */
const many = (part) => (length) => part.repeat(Math.ceil(length / part.length));

/** @type {Record<string, (length: number) => string>} */
export const PATTERNS = {
  quotations: many(">"),
  "spaced quotations": many("> "),
  "nested items": many("- "),
  "numbered items": many("1. "),
  brackets: many("["),
  "closed brackets": many("]"),
  "links without an end": many("[a]("),
  "images without an end": many("![a]("),
  references: many("[a][b] "),
  definitions: many("[a]: b\n"),
  stars: many("*"),
  "words and stars": many("*a "),
  "double stars": many("**a "),
  "strong in emphasis": many("*a **b "),
  underscores: many("a_"),
  tildes: many("~~a "),
  backticks: many("`"),
  "backticks of all lengths": (length) => {
    let text = "";
    for (let ticks = 1; text.length < length; ticks += 1) text += `${"`".repeat(ticks)} `;
    return text;
  },
  dollars: many("$a "),
  "formulas without an end": many("\\["),
  entities: many("&amp"),
  "less than": many("<"),
  "open tags": many("<b>"),
  "crossed tags": many("<b><i></b>"),
  "end tags": many("</b>"),
  details: many("<details>\n"),
  comments: many("<!--"),
  addresses: many("http://a???"),
  "mail addresses": many("a@"),
  "letters and an at": (length) => `${"a".repeat(length)}@`,
  www: many("www."),
  headings: many("a\n-\n"),
  rules: many("-\n"),
  blanks: (length) => `a${" ".repeat(length)}b`,
  "blank lines": many("\n"),
  tabs: many("\t"),
  pipes: many("|"),
  "tables of one row": many("a|b\n-|-\n"),
  fences: many("```\n"),
  "tilde fences": many("~~~a\n"),
  footnotes: many("[^a]: b\n"),
  alerts: many("> [!NOTE]\n"),
  escapes: many("\\"),
  "line ends": many("a  \n"),
  marks: many("a\u0301\u0302\u0303"),
  directions: many("\u202e\u2066"),
  emoji: many("👨‍👩‍👧"),
};
