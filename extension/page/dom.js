/**
 * Reads properties of a page's nodes. Injected into the page's isolated world before the scripts that read it; these
 * files share functions there, since an injected script cannot import, and a function may be declared again when the
 * page is read again.
 *
 * The page is untrusted. Its scripts cannot reach this world, but its elements can take the names of the document's and
 * of forms' properties (`<img name="body">`), so everything goes through the prototypes. They also work on nodes of the
 * page's frames, whose prototypes are others.
 */
function pageDom() {
  /**
   * A property as the browser has it; undefined on a node that has no such property.
   * @param {object} prototype
   * @param {string} name
   * @returns {(node: any) => any}
   */
  const property = (prototype, name) => {
    const get = Object.getOwnPropertyDescriptor(prototype, name)?.get;
    return (node) => {
      try {
        return get?.call(node);
      } catch {
        return undefined;
      }
    };
  };
  const firstChildOf = property(Node.prototype, "firstChild");
  const nextSiblingOf = property(Node.prototype, "nextSibling");
  const openRootOf = property(Element.prototype, "shadowRoot");
  /** @type {(node: Node) => string} */
  const nameOf = property(Element.prototype, "localName");
  /** Elements that a page can give a shadow root, besides those of its own kinds. */
  const HOSTS = new Set(
    "article aside blockquote body div footer h1 h2 h3 h4 h5 h6 header main nav p section span".split(" "),
  );

  /** @param {Node} element @param {string} name @returns {string} */
  const attribute = (element, name) => Element.prototype.getAttribute.call(element, name) ?? "";

  /**
   * @param {Node} element
   * @returns {Node | null | undefined}  Also a closed one, which is on the screen like any other.
   */
  function shadowRootOf(element) {
    const name = nameOf(element);
    const isOwnKind = name.includes("-");
    if (!isOwnKind && !HOSTS.has(name)) return null;
    const open = openRootOf(element);
    if (open || !isOwnKind) return open;
    return globalThis.chrome?.dom?.openOrClosedShadowRoot?.(/** @type {HTMLElement} */ (element));
  }

  /** @param {Node} node @returns {Node[]} */
  function lightChildrenOf(node) {
    const children = [];
    for (let child = firstChildOf(node); child; child = nextSiblingOf(child)) children.push(child);
    return children;
  }

  /** @param {Node} node @returns {Node[]}  In the flat tree: as they are drawn. */
  function childrenOf(node) {
    if (typeOf(node) !== Node.ELEMENT_NODE) return lightChildrenOf(node);
    const root = shadowRootOf(node);
    if (root) return lightChildrenOf(root);
    if (nameOf(node) !== "slot") return lightChildrenOf(node);
    const assigned = HTMLSlotElement.prototype.assignedNodes.call(node, { flatten: true });
    return assigned.length > 0 ? assigned : lightChildrenOf(node);
  }

  /** @type {(node: Node) => number} */
  const typeOf = property(Node.prototype, "nodeType");
  /** @param {Node} node @param {string} selector @returns {Element[]}  Of the light tree. */
  const all = (node, selector) => {
    try {
      const prototype = typeOf(node) === Node.ELEMENT_NODE ? Element.prototype : Document.prototype;
      return [...prototype.querySelectorAll.call(node, selector)];
    } catch {
      return [];
    }
  };

  return {
    property,
    nameOf,
    typeOf,
    attribute,
    childrenOf,
    all,
    /** @type {(node: Node) => Node | null} */
    parentOf: property(Node.prototype, "parentNode"),
    /** @type {(node: Node) => string} */
    textOf: property(Node.prototype, "textContent"),
    /** @type {(node: Node) => string | undefined} */
    addressOf: property(HTMLAnchorElement.prototype, "href"),
    /** @type {(node: Node) => Document | null | undefined}  Null: the frame is another site's. */
    frameOf: property(HTMLIFrameElement.prototype, "contentDocument"),
    /** @type {(page: Document) => Element | null} */
    rootOf: property(Document.prototype, "documentElement"),
    /** @type {(page: Document) => HTMLElement | null} */
    bodyOf: property(Document.prototype, "body"),
    /** @param {Node} element @param {string} name */
    has: (element, name) => Element.prototype.hasAttribute.call(element, name),
    /** @param {Node} element @param {string} selector @returns {Element | null} */
    closest: (element, selector) => Element.prototype.closest.call(element, selector),
    /** @param {Node} element @returns {DOMRect} */
    boxOf: (element) => Element.prototype.getBoundingClientRect.call(element),
  };
}
