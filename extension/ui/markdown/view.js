/**
 * What the elements of an answer are, as plain data: links go to http, https and mailto only, images load after a
 * click, and whatever is not known here is text.
 */

import { plainText } from "../../shared/markdown/inline.js";
import { mayBeFetched } from "../../shared/private-host.js";
import { text as message } from "../../shared/text.js";
import { isWrittenLikeAnother, namesOtherHost } from "../link-host.js";
import { revealed } from "../revealed.js";
import { mathBlockView, mathView } from "./math-view.js";

/** @import {BlockNode} from "../../shared/markdown/parse.js" */
/** @import {InlineNode, LinkNode, ImageNode} from "../../shared/markdown/inline.js" */
/** @import {ElementView, View} from "./patch.js" */

/**
 * @param {BlockNode} node
 * @returns {ElementView | null}  Nothing for a block that is not shown.
 */
export function view(node) {
  switch (node.type) {
    case "paragraph":
      return element("p", { dir: direction(node) }, inlineViews(node));
    case "heading": {
      // The page has headings of its own above the answer's.
      const depth = node.depth ?? 1;
      return element(`h${Math.min(depth + 2, 6)}`, { class: `md-h${depth}`, dir: direction(node) }, inlineViews(node));
    }
    case "code":
      return codeView(node);
    case "list":
      return listView(node);
    case "item":
      return itemView(node);
    case "table":
      return tableView(node);
    case "row":
      return element("tr", {}, views(node.children));
    case "cell": {
      const align = node.align && `align-${node.align}`;
      // A number has the direction of its table.
      return element(node.isHeader ? "th" : "td", { class: align, dir: direction(node) }, inlineViews(node));
    }
    case "blockquote":
      return element("blockquote", { dir: direction(node) }, views(node.children));
    case "alert":
      return alertView(node);
    case "details":
      return element("details", { open: node.isOpen ? "" : undefined, dir: direction(node) }, views(node.children));
    case "summary":
      return element("summary", { dir: direction(node) }, inlineViews(node));
    case "rule":
      return element("hr");
    case "html":
      return element("p", { class: "md-html", dir: "auto" }, [node.text ?? ""]);
    case "math":
      return node.math ? mathBlockView(node.math) : null;
    case "definition":
      return node.isUsed ? null : definitionView(node);
    case "footnote":
      return footnoteView(node);
  }
}

/**
 * @param {string} tag
 * @param {Record<string, string | undefined>} [attributes]  Those without a value are left out.
 * @param {View[]} [children]
 * @returns {ElementView}
 */
function element(tag, attributes = {}, children = []) {
  const given = Object.entries(attributes).filter(([name, value]) => value || (value === "" && name !== "class"));
  return { tag, attributes: /** @type {Record<string, string>} */ (Object.fromEntries(given)), children };
}

const RIGHT_TO_LEFT =
  /^[\p{sc=Arabic}\p{sc=Hebrew}\p{sc=Syriac}\p{sc=Thaana}\p{sc=Nko}\p{sc=Samaritan}\p{sc=Mandaic}\p{sc=Adlam}\p{sc=Hanifi_Rohingya}\u200f]/u;

/**
 * The direction of a block, by the first letter of its text. `dir="auto"` would pass over what has a direction of its
 * own, and would look through all that is there each time a node is added, as long as no letter is found.
 * @param {BlockNode} node
 * @returns {"ltr" | "rtl" | undefined}  Unknown where there is no letter.
 */
export function direction(node) {
  const letter = firstLetter(node.inline ?? []) ?? node.children.map(firstLetterWithin).find(Boolean);
  if (letter) return RIGHT_TO_LEFT.test(letter) ? "rtl" : "ltr";
}

/**
 * @param {BlockNode} node
 * @returns {string | undefined}
 */
function firstLetterWithin(node) {
  const own = firstLetter(node.inline ?? []);
  if (own) return own;
  for (const child of node.children) {
    const found = firstLetterWithin(child);
    if (found) return found;
  }
}

/**
 * @param {InlineNode[]} nodes
 * @returns {string | undefined}
 */
function firstLetter(nodes) {
  for (const node of nodes) {
    const found =
      node.type === "text"
        ? /[\p{L}\u200e\u200f]/u.exec(node.text)?.[0]
        : "children" in node
          ? firstLetter(node.children)
          : undefined;
    if (found) return found;
  }
}

/**
 * @param {BlockNode[]} nodes
 * @returns {View[]}
 */
function views(nodes) {
  return nodes.map(view).filter((one) => one !== null);
}

/** @param {BlockNode} node */
function codeView({ language, file, text = "" }) {
  const named = { "data-language": language || undefined, "data-file": file || undefined };
  const code = element("code", named, [text]);
  return element("div", { class: "code" }, [
    element("div", { class: "code-head" }, [
      element("span", { class: "code-language" }, [language || "text"]),
      element("button", { type: "button", class: "quiet", "data-action": "copy-code" }, [message("code_copy")]),
    ]),
    element("pre", { tabindex: "0", dir: "ltr" }, [{ ...code, own: true }]),
  ]);
}

/**
 * A list. `loose` only changes the distance between the items, so that finished items need not be built again when a
 * later blank line makes their list loose.
 * @param {BlockNode} node
 */
function listView(node) {
  const start = node.isOrdered && node.number !== 1 ? String(node.number) : undefined;
  const attributes = { start, class: node.isLoose ? "loose" : undefined, dir: direction(node) };
  return element(node.isOrdered ? "ol" : "ul", attributes, views(node.children));
}

/** @param {BlockNode} node */
function itemView(node) {
  const children = views(node.children);
  const dir = direction(node);
  if (!node.isTask) return element("li", { dir }, children);
  const label = message(node.isDone ? "markdown_task_done" : "markdown_task_open");
  const checked = node.isDone ? "" : undefined;
  const box = element("input", { type: "checkbox", disabled: "", checked, "aria-label": label });
  prepend(children, box, " ");
  return element("li", { class: "task", dir }, children);
}

/**
 * Puts something in front of the text of the first paragraph.
 * @param {View[]} children
 * @param {...View} first
 */
function prepend(children, ...first) {
  const paragraph = children[0];
  if (typeof paragraph === "object" && paragraph.tag === "p") {
    children[0] = { ...paragraph, children: [...first, ...(paragraph.children ?? [])] };
  } else {
    children.unshift(element("p", {}, first));
  }
}

/** @param {BlockNode} node */
function tableView(node) {
  const [head, ...rows] = views(node.children);
  const attributes = {
    class: "table",
    tabindex: "0",
    role: "group",
    "aria-label": message("table_label"),
    dir: direction(node),
  };
  return element("div", attributes, [
    element("table", {}, [element("thead", {}, [head]), element("tbody", {}, rows)]),
    TABLE_TOOLS,
  ]);
}

/** @param {BlockNode} node */
function alertView(node) {
  return element("div", { class: `md-alert md-alert-${node.kind}`, role: "note", dir: direction(node) }, [
    element("p", { class: "md-alert-title" }, [node.title ?? ""]),
    ...views(node.children),
  ]);
}

/** The labels are in attributes, because the text of an answer is the model's alone. */
const TABLE_TOOLS = element("div", { class: "table-tools" }, [
  tableTool("copy-markdown", message("table_copy_markdown_short"), message("table_copy_markdown")),
  tableTool("copy-csv", message("table_copy_csv_short"), message("table_copy_csv")),
  tableTool("save-csv", message("table_save_csv"), message("table_save_csv")),
]);

/**
 * @param {string} action
 * @param {string} text
 * @param {string} label
 */
function tableTool(action, text, label) {
  const names = { "data-text": text, "data-label": label, "aria-label": label, title: label };
  return element("button", { type: "button", class: "quiet", "data-action": action, ...names });
}

/**
 * A link definition that no link uses, as in a list of sources.
 * @param {BlockNode} node
 */
function definitionView({ name, href = "", title = "" }) {
  const link = linkView({
    type: "link",
    href,
    title: "",
    isOpen: false,
    isBare: true,
    children: [{ type: "text", text: href }],
  });
  return element("p", { class: "md-definition", dir: "auto" }, [
    `[${name}]: `,
    ...(Array.isArray(link) ? link : [link]),
    ...(title ? [` "${title}"`] : []),
  ]);
}

/** @param {BlockNode} node */
function footnoteView(node) {
  const children = views(node.children);
  prepend(children, element("span", { class: "md-footnote-label" }, [`[${node.label}]`]), " ");
  return element("div", { class: "md-footnote", dir: direction(node) }, children);
}

/**
 * @param {BlockNode} node
 * @returns {View[]}
 */
function inlineViews(node) {
  return (node.inline ?? []).flatMap(inlineView);
}

/**
 * @param {InlineNode} node
 * @returns {View | View[]}
 */
function inlineView(node) {
  switch (node.type) {
    case "text":
      return node.text;
    case "code":
      return element("code", { dir: "ltr" }, [node.text]);
    case "break":
      return element("br");
    case "link":
      return linkView(node);
    case "image":
      return imageView(node);
    case "math":
      return mathView(node);
    case "footnote":
      return element("sup", { class: "md-footnote-mark" }, [`[${node.label}]`]);
    default:
      return element(node.tag, {}, node.children.flatMap(inlineView));
  }
}

/**
 * @param {LinkNode} node
 * @returns {View | View[]}
 */
function linkView(node) {
  const children = node.children.flatMap(inlineView);
  // The element is there from the beginning, so that it stays when its address comes.
  if (node.isOpen) return element("a", {}, children);
  const url = safeUrl(node.href, ["http:", "https:", "mailto:"]);
  if (!url) return children;
  // What is before an @ looks like the host and is not, so this is no link and shows its whole address.
  if (url.protocol !== "mailto:" && (url.username || url.password)) {
    return node.isBare ? children : [...children, ` (${node.href})`];
  }
  // An address in the text is followed as it is visible.
  const href = node.isBare ? node.href : url.href;
  const dir = node.isBare ? "ltr" : undefined;
  const says = node.isBare ? "" : `${plainText(node.children)} ${node.title}`;
  if (namesOtherHost(says, url) || isWrittenLikeAnother(node.href, url)) {
    children.push(element("small", { class: "md-link-host" }, [` (${url.host || url.pathname})`]));
  }
  // Where it leads comes first, whatever the model would like to have read there.
  const title = node.title ? `${url.href}\n“${revealed(node.title)}”` : url.href;
  const attributes = { href, target: "_blank", rel: "noopener noreferrer", title, dir };
  return element("a", attributes, children);
}

/**
 * A button in the image's place, with the whole address: loading an image tells its server that, and when, this answer
 * was read. What lies on this computer or in its network is not fetched at all.
 * @param {ImageNode} node
 */
function imageView(node) {
  const alt = node.alt || "image";
  const url = safeUrl(node.href, ["http:", "https:"]);
  if (!url) return element("span", { class: "md-image-refused" }, [`[${alt}]`]);
  const label = message(mayBeFetched(url.href) ? "markdown_image_show" : "markdown_image_private", alt);
  const button = element(
    "button",
    { type: "button", class: "md-image", "data-action": "show-image", "data-src": url.href, "data-alt": alt },
    [element("span", {}, [label]), " ", element("small", { dir: "ltr" }, [url.href])],
  );
  return { ...button, key: url.href, own: true };
}

/**
 * @param {string} href
 * @param {string[]} protocols
 * @returns {URL | null}
 */
export function safeUrl(href, protocols) {
  try {
    const url = new URL(href);
    return protocols.includes(url.protocol) ? url : null;
  } catch {
    return null; // Relative, or not a URL: there is no page that it could belong to.
  }
}
