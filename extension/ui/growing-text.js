/** Plain text in an element, to which only what is new is added. */
export class GrowingText {
  #node = document.createTextNode("");
  #text = "";

  /** @param {HTMLElement} element  Holds nothing else. */
  constructor(element) {
    element.append(this.#node);
  }

  /** @param {string} text */
  update(text) {
    if (text === this.#text) return;
    if (text.startsWith(this.#text)) this.#node.appendData(text.slice(this.#text.length));
    else this.#node.data = text;
    this.#text = text;
  }
}
