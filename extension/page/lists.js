/** The marks of list items, and their numbers. Injected before `reader.js`. */
/** @param {ReturnType<typeof pageDom>} dom */
function pageLists({ attribute, childrenOf, has, nameOf, parentOf, typeOf }) {
  /** @type {[string, number][]} */
  const ROMAN = [
    ["m", 1000],
    ["cm", 900],
    ["d", 500],
    ["cd", 400],
    ["c", 100],
    ["xc", 90],
    ["l", 50],
    ["xl", 40],
    ["x", 10],
    ["ix", 9],
    ["v", 5],
    ["iv", 4],
    ["i", 1],
  ];

  /** @param {string} digits */
  function whole(digits) {
    const number = Number.parseInt(digits, 10);
    return Number.isSafeInteger(number) ? number : undefined;
  }

  /** @param {number} number @param {string} type  Of CSS. */
  function numeral(number, type) {
    if (number > 0 && /^(?:lower|upper)-(?:alpha|latin)$/.test(type)) {
      let letters = "";
      for (let rest = number; rest > 0; rest = Math.floor((rest - 1) / 26)) {
        letters = String.fromCharCode(97 + ((rest - 1) % 26)) + letters;
      }
      return type.startsWith("upper") ? letters.toUpperCase() : letters;
    }
    if (number > 0 && number < 4000 && /^(?:lower|upper)-roman$/.test(type)) {
      let roman = "";
      let rest = number;
      for (const [sign, value] of ROMAN) {
        roman += sign.repeat(Math.floor(rest / value));
        rest %= value;
      }
      return type.startsWith("upper") ? roman.toUpperCase() : roman;
    }
    return String(number);
  }

  /** Numbers the items of all lists as they are read. */
  return class Numbering {
    /** The number of each list's last item. @type {Map<Node, number>} */
    #numbers = new Map();

    /** @param {Node} item @param {CSSStyleDeclaration | undefined} style @returns {string}  Its mark in Markdown. */
    markOf(item, style) {
      const list = parentOf(item);
      if (style?.listStyleType === "none") return "- ";
      if (!list || typeOf(list) !== Node.ELEMENT_NODE || nameOf(list) !== "ol") return "- ";
      const step = has(/** @type {Element} */ (list), "reversed") ? -1 : 1;
      const items = () =>
        childrenOf(list).filter((node) => typeOf(node) === Node.ELEMENT_NODE && nameOf(node) === "li");
      const last =
        this.#numbers.get(list) ?? (whole(attribute(list, "start")) ?? (step < 0 ? items().length : 1)) - step;
      const number = whole(attribute(item, "value")) ?? last + step;
      this.#numbers.set(list, number);
      return `${numeral(number, style?.listStyleType ?? "decimal")}. `;
    }
  };
}
