/** Where an answer, or what a tool gave, comes from. */

import { el } from "../ui/dom.js";
import { safeUrl } from "../ui/markdown.js";

/** @import {Source} from "../protocol.js" */

/**
 * Pages as links, files by their names: these are at the provider.
 * @param {Source[]} sources
 * @param {string} label
 */
export function sourceList(sources, label) {
  const items = sources.map(({ url, title }) => {
    const safe = url ? safeUrl(url, ["http:", "https:"]) : null;
    if (!safe) return title ? el("li", {}, title) : null;
    const link = { href: safe.href, target: "_blank", rel: "noopener noreferrer", title: safe.href };
    return el("li", {}, el("a", link, title ?? safe.host));
  });
  return el("ol", { class: "citations", "aria-label": label, "data-label": label }, ...items);
}
