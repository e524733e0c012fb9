/**
 * Elements without HTML strings.
 */

/**
 * Makes an element. Names that begin with `on` add a listener, every other one becomes an attribute; `undefined`,
 * `null` and `false` are left out.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, any>} [attributes]
 * @param {...(Node | string | null | undefined)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children) {
    if (child !== null && child !== undefined) element.append(child);
  }
  return element;
}

/**
 * Gives an element these children and no others. There may be any number of them: as arguments of one call they would
 * fill the stack.
 * @param {Element} parent
 * @param {Iterable<Node>} children
 */
export function setChildren(parent, children) {
  parent.replaceChildren();
  for (const child of children) parent.append(child);
}

/**
 * The element with this id, which the page is known to hold.
 * @template {HTMLElement} [T=HTMLElement]
 * @param {string} id
 * @returns {T}
 */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`The page has no #${id}`);
  return /** @type {T} */ (element);
}

const SVG = "http://www.w3.org/2000/svg";

/** Outlines on a 24 by 24 grid, drawn with a stroke in the text's colour. */
const ICONS = {
  plus: "M12 5v14M5 12h14",
  settings:
    "M4 7h10M18 7h2M4 17h2M10 17h10M16 4.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5ZM8 14.5a2.5 2.5 0 1 0 0 5 " +
    "2.5 2.5 0 0 0 0-5Z",
  send: "M12 19V5M5.5 11.5 12 5l6.5 6.5",
  stop: "M7 7h10v10H7Z",
  left: "M14.5 6 8.5 12l6 6",
  right: "M9.5 6l6 6-6 6",
  regenerate: "M19 12a7 7 0 1 1-2-4.9L19.5 9.5M19.5 4.5v5h-5",
  conversation: "M4 5h16v11.5h-8.5L7.5 20v-3.5H4ZM8 9.2h8M8 12.6h5",
  down: "M12 5v14M5.5 12.5 12 19l6.5-6.5",
  page: "M6 3.5h8L18.5 8v12.5H6ZM14 3.5V8h4.5M9 12.5h6.5M9 16h6.5",
  selection: "M5 5h14M5 9.5h14M5 14.5h8M5 19h8M17 13v7.5M15.2 13h3.6M15.2 20.5h3.6",
  text: "M5 6h14M5 10h14M5 14h14M5 18h9",
  insert: "M4 5h16M4 19h16M12 15.5V8.5M8.5 12l3.5 3.5 3.5-3.5",
  image: "M4 5h16v14H4ZM4 16.5l4.5-4.5 4 4 3-3 4.5 4.5M15.5 7.8a1.4 1.4 0 1 0 0 2.8 1.4 1.4 0 0 0 0-2.8Z",
  copy: "M9 9h10v11H9ZM5 15V4h10",
  check: "M5 12.5 10 17.5 19 7",
  list: "M4 6h16M4 12h16M4 18h10",
  find: "M10.5 4.5a6 6 0 1 0 0 12 6 6 0 0 0 0-12ZM15 15l5 5",
  up: "M6 15l6-6 6 6",
  "down-small": "M6 9l6 6 6-6",
  close: "M6 6l12 12M18 6 6 18",
  pencil: "M4 20l1-4.5L16.5 4 20 7.5 8.5 19ZM14 6.5 17.5 10",
  export: "M12 4v11M7.5 10.5 12 15l4.5-4.5M5 19.5h14",
  delete: "M5 7h14M10 7V4.5h4V7M7 7l.8 12.5h8.4L17 7M10.5 10.5v5.5M13.5 10.5v5.5",
  usage: "M5 20v-7M12 20V4M19 20v-11",
  screenshot: "M4 8V4h4M16 4h4v4M20 16v4h-4M8 20H4v-4M8.5 8.5h7v7h-7Z",
  wrap: "M4 6h16M4 12h13a3 3 0 0 1 0 6h-4.5M14.5 15.8 12.3 18l2.2 2.2M4 18h4.5",
  tool: "M14.5 6.5a4 4 0 0 0-5.4 5L4 16.6 7.4 20l5.1-5.1a4 4 0 0 0 5-5.4l-2.6 2.6-2.6-.4-.4-2.6Z",
};

/**
 * A small picture that assistive technology skips: the button around it has a name.
 * @param {keyof typeof ICONS} name
 * @returns {SVGElement}
 */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}
