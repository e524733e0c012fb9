/** Where an answer, or what a tool gave, comes from. */

import { namesOtherHost } from "./link-host.js";
import { show } from "./markdown/patch.js";
import { safeUrl } from "./markdown/view.js";

/** @import {Source} from "../shared/protocol.js" */
/** @import {ElementView} from "./markdown/patch.js" */

/**
 * Pages as links, files by their names: these are at the provider. A list that is there already is brought up to date:
 * its links stay.
 * @param {Source[]} sources
 * @param {string} label
 * @param {HTMLElement | null} [list]
 * @returns {HTMLElement}
 */
export function sourceList(sources, label, list) {
  /** @type {(source: Source) => ElementView[]} */
  const item = ({ url, title }) => {
    const safe = url ? safeUrl(url, ["http:", "https:"]) : null;
    if (!safe) return title ? [{ tag: "li", children: [title] }] : [];
    const attributes = { href: safe.href, target: "_blank", rel: "noopener noreferrer", title: safe.href };
    const host = { tag: "small", attributes: { class: "md-link-host" }, children: [` (${safe.host})`] };
    const children = title && namesOtherHost(title, safe) ? [title, host] : [title ?? safe.host];
    return [{ tag: "li", children: [{ tag: "a", attributes, children }] }];
  };
  const attributes = { class: "citations", "aria-label": label, "data-label": label };
  return /** @type {HTMLElement} */ (show({ tag: "ol", attributes, children: sources.flatMap(item) }, list ?? null));
}
