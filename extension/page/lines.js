/** Lines of text that grow, each with its prefix. Injected before `reader.js`. */
function pageLines() {
  return class Lines {
    /** What indents a line. */
    prefix = "";
    /** What the next line has instead of the prefix: the mark of an item or a heading. */
    #mark = "";
    /** @type {string[]} */
    #lines = [];
    #line = "";
    #isBegun = false;
    /** What stands in the empty line that comes before the next one. @type {string | undefined} */
    #apart;
    #counter;

    /** @param {{size: number}} counter  Of the characters of all lines that share it. */
    constructor(counter) {
      this.#counter = counter;
    }

    get text() {
      this.break();
      return this.#lines.join("\n").trim();
    }

    /** What is written in the line that grows. */
    get line() {
      return this.#isBegun ? this.#line : "";
    }

    /** @param {string} mark */
    mark(mark) {
      this.#mark = (this.#mark || this.prefix) + mark;
    }

    unmark() {
      this.#mark = "";
    }

    /**
     * @param {string} text  Each run of white space becomes one space, as on the screen, and soft hyphens are left out.
     */
    add(text) {
      let words = text.replace(/\u00ad/g, "").replace(/[\s\u00a0]+/g, " ");
      if (!this.#isBegun || this.#line.endsWith(" ")) words = words.trimStart();
      if (words) this.#write(words);
    }

    /** @param {string} text  Whose line breaks are drawn. @param {boolean} [keepsSpaces]  So are its spaces. */
    addKept(text, keepsSpaces = false) {
      for (const [index, line] of text.split(/\r\n?|\n/).entries()) {
        if (index > 0) this.break(!this.#isBegun);
        if (!keepsSpaces) this.add(line);
        else if (line.trim() || this.#isBegun) this.#write(line);
      }
    }

    /** @param {string} line  As it is. */
    addLine(line) {
      this.#write(line);
      this.break();
    }

    /** @param {boolean} [isApart]  An empty line comes before the next one. */
    break(isApart = false) {
      if (this.#isBegun) this.#push(this.#line);
      this.#isBegun = false;
      this.#line = "";
      if (isApart && this.prefix.length < (this.#apart?.length ?? Number.POSITIVE_INFINITY)) this.#apart = this.prefix;
    }

    /** @param {string} words */
    #write(words) {
      if (!this.#isBegun) {
        if (this.#apart !== undefined && this.#lines.length > 0) this.#push(this.#apart);
        this.#line = this.#mark || this.prefix;
        this.#mark = "";
        this.#apart = undefined;
        this.#isBegun = true;
      }
      this.#line += words;
      this.#counter.size += words.length;
    }

    /** @param {string} line */
    #push(line) {
      this.#lines.push(line.trimEnd());
      this.#counter.size += 1;
    }
  };
}
