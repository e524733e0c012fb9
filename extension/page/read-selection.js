/**
 * What is selected in a page or a frame. Injected into its isolated world; its value is what was read.
 *
 * What is asked of the page's nodes goes through the prototypes: elements can take the names of the document's
 * properties.
 */
(() => {
  /** Characters. What is beyond is left out. */
  const LIMIT = 200_000;
  /** Passwords, and what is no text, are never read. */
  const TEXT_TYPES = new Set(["text", "search", "url", "tel"]);

  /** @param {object} prototype @param {string} name @param {Node} node */
  const property = (prototype, name, node) => Object.getOwnPropertyDescriptor(prototype, name)?.get?.call(node);

  /**
   * In a text box, the selection is the box's own.
   * @returns {string | undefined}  Undefined where the focus is in none.
   */
  function inTextBox() {
    let box = property(Document.prototype, "activeElement", document);
    for (let root = box?.shadowRoot; root instanceof ShadowRoot; root = box?.shadowRoot) {
      box = property(ShadowRoot.prototype, "activeElement", root);
    }
    if (box instanceof HTMLTextAreaElement) return selectedIn(HTMLTextAreaElement.prototype, box);
    if (!(box instanceof HTMLInputElement)) return undefined;
    const isText = TEXT_TYPES.has(property(HTMLInputElement.prototype, "type", box));
    return isText ? selectedIn(HTMLInputElement.prototype, box) : "";
  }

  /** @param {object} prototype @param {Node} box */
  function selectedIn(prototype, box) {
    const [from, to] = ["selectionStart", "selectionEnd"].map((name) => property(prototype, name, box));
    return String(property(prototype, "value", box)).slice(from, to);
  }

  const text = inTextBox() ?? String(getSelection() ?? "");
  return {
    address: location.href,
    title: property(Document.prototype, "title", document),
    text: text.slice(0, LIMIT),
    missing: text.length <= LIMIT ? [] : ["cut"],
  };
})();
