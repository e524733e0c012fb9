/** What could be seen on the page and was not read. Injected before `reader.js`. */
/**
 * @param {ReturnType<typeof pageDom>} dom
 * @param {ReturnType<typeof pageSigns>} signs
 * @param {ReturnType<typeof pageAddresses>} addresses
 */
function pageFindings({ addressOf, all, attribute, has, textOf }, signs, { isSamePage }) {
  /** A text that asks for a subscription is not longer. */
  const LONGEST_OFFER = 250;
  /** A text that counts what there is is shorter. */
  const LONGEST_COUNT = 80;
  const LONGEST_CONTROL = 60;
  const MOST_HOSTS = 3;

  return class Findings {
    /** Why some of it was not read. @type {Set<string>} */
    missing = new Set();
    /** The hosts of frames that were not read. @type {Set<string>} */
    hosts = new Set();
    /** The transcript of a film is on the page, or was read from it. */
    hasTranscript = false;
    #offersTranscript = false;
    /** By a list's role and length, how many of its items are there. @type {Map<string, number>} */
    #items = new Map();

    /** @param {string} why */
    add(why) {
      this.missing.add(why);
    }

    /** Adds what is known only after all of the page was read. */
    conclude() {
      for (const [list, count] of this.#items) {
        if (Number(list.split(" ")[1]) > count) this.missing.add("virtual");
      }
      if (this.#offersTranscript && !this.hasTranscript) this.missing.add("transcript");
    }

    /** @param {string} text */
    noteText(text) {
      if (text.length < LONGEST_COUNT && /\d/.test(text) && signs.isPartOfMore(text)) this.missing.add("pages");
      if (text.length < LONGEST_OFFER && signs.PAYWALL.test(text)) this.missing.add("paywall");
    }

    /** @param {string | undefined} text  That a user has typed, and that is not read. */
    noteTyped(text) {
      if (text && text.trim().length >= signs.SHORTEST_PART) this.missing.add("typed");
    }

    /** @param {Element} frame  That cannot be read. */
    noteFrame(frame) {
      const host = signs.unreadFrame(frame);
      if (host === undefined) return;
      this.missing.add("frames");
      if (host && this.hosts.size < MOST_HOSTS) this.hosts.add(host);
    }

    /**
     * @param {Element} node
     * @param {string} name
     * @param {string} names  Its id and classes.
     * @param {boolean} isPressed  It looks as if it can be pressed.
     */
    noteElement(node, name, names, isPressed) {
      const isLink = name === "a" && has(node, "href");
      const isControl = isPressed || name === "a" || name === "button" || name === "summary" || has(node, "onclick");
      if (isControl || /^(?:button|tab|link)$/.test(attribute(node, "role"))) this.#noteControl(node, name, isLink);
      if (names.length > 1) {
        const empty = signs.emptyPlace(node, names);
        if (empty) this.missing.add(empty);
        if (signs.isProgress(node, names)) this.missing.add("virtual");
        if (signs.hasOtherPages(node, names) && !signs.isBeside(node)) this.missing.add("pages");
      }
      if ((names.length > 1 || name.includes("-")) && signs.TRANSCRIPT.test(`${name} ${names}`)) {
        if (textOf(node).trim().length >= signs.SHORTEST_PART) this.hasTranscript = true;
      }
      if (has(node, "style") && signs.isVirtual(node)) this.missing.add("virtual");
      if (attribute(node, "aria-busy") === "true" && !textOf(node).trim()) this.missing.add("loading");
      if (has(node, "aria-setsize")) {
        const list = `${attribute(node, "role") || name} ${attribute(node, "aria-setsize")}`;
        this.#items.set(list, (this.#items.get(list) ?? 0) + 1);
      }
    }

    /** @param {Element} node @param {string} name @param {boolean} isLink */
    #noteControl(node, name, isLink) {
      const role = attribute(node, "role");
      const label = textOf(node).trim().replace(/\s+/g, " ");
      if (signs.isBeside(node)) return;
      const isPage = isLink && role !== "button" && !isSamePage(addressOf(node) ?? "");
      const brought = name === "summary" ? undefined : signs.brings(node, label, isPage);
      if (brought) this.missing.add(brought);
      if (signs.foldedBy(node, (id) => (id ? (all(document, `#${CSS.escape(id)}`)[0] ?? null) : null)))
        this.missing.add("folded");
      if (signs.TRANSCRIPT.test(`${label} ${attribute(node, "aria-label")}`) && label.length < LONGEST_CONTROL) {
        const isOpen = attribute(node, "aria-expanded") === "true";
        if (!isOpen && all(document, "video, audio, iframe").length > 0) this.#offersTranscript = true;
      }
    }
  };
}
