/** Markdown that is written while a page is read. Injected before `reader.js`. */
/**
 * @param {ReturnType<typeof pageLines>} Lines
 * @param {ReturnType<typeof pageCode>} code
 * @param {number} limit  Characters. Code ends where they are exceeded.
 */
function pageWriter(Lines, { fenceOf }, limit) {
  return class Writer {
    #counter = { size: 0 };
    #root = new Lines(this.#counter);
    #isInTable = false;
    /** The lines that grow: those of the page, or of a cell. */
    lines = this.#root;

    /** Characters. */
    get size() {
      return this.#counter.size;
    }

    /** In a cell of a table, where nothing can have lines of its own. */
    get isInTable() {
      return this.#isInTable;
    }

    /** All of it. */
    get text() {
      return this.#root.text;
    }

    /** @param {string} before @param {() => void} inside  Writes what is between. @param {string} after */
    between(before, inside, after) {
      this.lines.add(before);
      inside();
      this.lines.add(after);
    }

    /** @param {number} level @param {() => void} inside */
    heading(level, inside) {
      if (this.#isInTable) return inside();
      this.lines.break(true);
      this.lines.mark(`${"#".repeat(level)} `);
      inside();
      this.lines.unmark();
      this.lines.break(true);
    }

    /** @param {string} prefix @param {string} mark @param {() => void} inside */
    indent(prefix, mark, inside) {
      const { lines } = this;
      const outside = lines.prefix;
      if (mark) lines.mark(mark);
      lines.prefix += prefix;
      inside();
      lines.break();
      lines.prefix = outside;
      lines.unmark();
    }

    /** @param {string} tex  With its delimiters. */
    formula(tex) {
      if (!tex.startsWith("$$") || this.#isInTable) return this.lines.add(tex);
      this.lines.break();
      this.lines.add(tex);
      this.lines.break();
    }

    /** @param {string[]} code @param {string} language */
    codeBlock(code, language) {
      if (code.length === 0) return;
      if (this.#isInTable) {
        for (const line of code) this.lines.addLine(`\`${line}\``);
        return;
      }
      const fence = fenceOf(code);
      this.lines.break(true);
      this.lines.addLine(`${fence}${language}`);
      for (const line of code) {
        if (this.size > limit) break;
        this.lines.addLine(line);
      }
      this.lines.addLine(fence);
      this.lines.break(true);
    }

    /** @param {string} label @param {string} [names]  Of the picture's classes. */
    picture(label, names = "") {
      const words = label.trim();
      if (!words) return;
      const isSign = /emoji|smil(?:ey|ies)/i.test(names) || !/[\p{L}\p{N}]/u.test(words);
      this.lines.add(isSign ? words : ` [image: ${words}] `);
    }

    /** @param {() => void} inside  Writes the content of a cell. @returns {string}  That content. */
    cell(inside) {
      const { lines } = this;
      this.lines = new Lines(this.#counter);
      this.#isInTable = true;
      inside();
      const { text } = this.lines;
      this.lines = lines;
      this.#isInTable = false;
      return text;
    }
  };
}
