/** Views as text, for comparing. */

/** @import {View} from "../../extension/ui/markdown/patch.js" */

/**
 * @param {readonly View[]} views
 * @returns {string}
 */
export function outline(views) {
  return views
    .map((view) => {
      if (typeof view === "string") return view.replaceAll("<", "&lt;");
      const { tag, children = [], attributes: all = {} } = view;
      const attributes = Object.entries(all).sort();
      const inside = tag === "br" || tag === "hr" || tag === "input" ? "" : `${outline(children)}</${tag}>`;
      return `<${tag}${attributes.map(([name, value]) => (value ? ` ${name}="${value}"` : ` ${name}`)).join("")}>${inside}`;
    })
    .join("");
}
