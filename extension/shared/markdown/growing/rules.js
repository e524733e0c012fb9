/**
 * The rules for the end of a text that grows. What is open there is drawn as what it is going to be: one module of this
 * folder for each construct.
 */

import { withOpenCode } from "./code-span.js";
import { closeAtEnd, withPositions } from "./emphasis.js";
import { openLink } from "./link.js";

/** @import {MarkdownIt} from "../../../vendor/markdown-it.js" */

/** @param {MarkdownIt} markdown */
export function growingRules(markdown) {
  const { ruler, ruler2 } = markdown.inline;
  const rule = (/** @type {string} */ name) => ruler.__rules__[ruler.__find__(name)].fn;
  ruler.at("emphasis", withPositions(rule("emphasis")));
  ruler.at("backticks", withOpenCode(rule("backticks")));
  ruler.after("image", "open_link", openLink);
  ruler2.after("balance_pairs", "close_at_end", closeAtEnd);
}
