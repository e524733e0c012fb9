/** Signs that a page has more than what can be read of it. Injected before `reader.js`. */
/**
 * @param {ReturnType<typeof pageDom>} dom
 * @param {ReturnType<typeof pageSignWords>} words
 */
function pageSigns(
  { all, attribute, boxOf, childrenOf, closest, has, nameOf, parentOf, property, textOf, typeOf },
  words,
) {
  /** A question about cookies has at most this number of characters. */
  const LONGEST_CONSENT = 6000;
  /** A shorter text is no part that a reader would miss, in characters. */
  const SHORTEST_PART = 80;
  /** In pixels. */
  const TALL = 1500;
  const SMALLEST_FRAME = 10_000;

  const offsetHeightOf = property(HTMLElement.prototype, "offsetHeight");
  const scrollHeightOf = property(Element.prototype, "scrollHeight");
  const clientHeightOf = property(Element.prototype, "clientHeight");

  /** @param {Node} node */
  const namesOf = (node) =>
    [nameOf(node), ...["id", "class", "target-id", "aria-label"].map((name) => attribute(node, name))].join(" ");
  /**
   * By the selector of elements with hidden text, whether others of the kind are visible.
   * @type {Map<string, boolean>}
   */
  const shownKinds = new Map();
  /** @param {string} digits */
  const numberOf = (digits) => Number(digits.replace(/[.,]/g, ""));
  /** @param {Node} node */
  const elementsIn = (node) => childrenOf(node).filter((child) => typeOf(child) === Node.ELEMENT_NODE);

  /**
   * What a button or a link shows: more of this page, or its other pages.
   * @param {Node} control
   * @param {string} label
   * @param {boolean} isLink  To another page.
   * @returns {"more" | "pages" | undefined}
   */
  function brings(control, label, isLink) {
    const text = label.replace(/^[^\p{L}\p{N}]+/u, "").trim();
    if (text.length > 60 || !text) return undefined;
    if (isLink && /(?:^|\s)next(?:\s|$)/.test(attribute(control, "rel")))
      return words.NEXT.test(text) ? "pages" : undefined;
    if (/^\d{1,5}$/.test(text)) {
      const beside = textOf(/** @type {Node} */ (parentOf(control)));
      const isNamed = isLink && beside.length < 400 && words.PAGE_WORD.test(beside);
      return isNamed || isAmongPages(control) ? "pages" : undefined;
    }
    if (isLink && words.NEXT_PAGE.test(text)) return "pages";
    if (!isLink && words.REPLIES.test(text) && attribute(control, "aria-expanded") !== "true") return "more";
    // "(more)", "…more": unlike "More", which opens a menu.
    if (!isLink && /^(?:\(|…|\.{3})\s*more\)?$/i.test(label)) return "more";
    if (words.MORE.exec(text)?.index !== 0) return undefined;
    // Other links lead to other texts.
    if (isLink && !words.OF_THREAD.test(text)) return undefined;
    return isClamped(control) ? undefined : "more";
  }

  /** @param {Node} node @returns {string[]}  Each text in it. */
  const textsIn = (node) => (typeOf(node) === Node.TEXT_NODE ? [textOf(node)] : childrenOf(node).flatMap(textsIn));

  /** "1 2 3 …", where one number is no link, or said to be the current one. @param {Node} control */
  function isAmongPages(control) {
    let around = parentOf(control);
    for (let level = 0; level < 3 && around && typeOf(around) === Node.ELEMENT_NODE; level += 1) {
      const text = textOf(around);
      if (text.length > 200 || !/^[\s\d.,…|·•‹›«»<>[\]()–-]*$/.test(text)) return false;
      const links = all(around, "a, button").filter((link) => /^\d+$/.test(textOf(link).trim()));
      const numbers = textsIn(around).flatMap((each) => (each.match(/\d+/g) ?? []).map(Number));
      const isCounted = numbers[0] === 1 && numbers.some((number, index) => number === numbers[index - 1] + 1);
      const current = all(around, "[aria-current], [class*=current i], [class*=active i], [class*=selected i]").length;
      if (isCounted && (numbers.length - links.length === 1 || (numbers.length === links.length && current > 0)))
        return true;
      around = parentOf(around);
    }
    return false;
  }

  /** Whether an element stands beside the page's text, in a list of other texts. @param {Element} element */
  function isBeside(element) {
    const region = closest(element, words.BESIDE);
    if (!region || /comment|repl|review|discuss|thread|answer/i.test(namesOf(region))) return false;
    if (nameOf(region) === "footer" && closest(region, "article, main, [role=main]")) return false;
    return !/^(?:html|body|main)$/.test(nameOf(region)) && all(region, "main, h1, [role=main]").length === 0;
  }

  /** Whether what a control unfolds is only cut off on the screen, so that it was read. @param {Node} control */
  function isClamped(control) {
    let around = parentOf(control);
    for (let level = 0; level < 3 && around && typeOf(around) === Node.ELEMENT_NODE; level += 1) {
      for (const element of [around, ...elementsIn(around)]) {
        const hidden = scrollHeightOf(element) - clientHeightOf(element);
        if (
          clientHeightOf(element) > 0 &&
          hidden > 4 &&
          /hidden|clip/.test(getComputedStyle(/** @type {Element} */ (element)).overflowY)
        )
          return true;
      }
      around = parentOf(around);
    }
    return false;
  }

  /**
   * Whether a control hides a part of the text now, which it can also show.
   * @param {Node} control
   * @param {(id: string) => Node | null} byId
   */
  function foldedBy(control, byId) {
    const isTab = attribute(control, "role") === "tab" && attribute(control, "aria-selected") === "false";
    if (!isTab && attribute(control, "aria-expanded") !== "false") return false;
    if (has(control, "aria-haspopup")) return false;
    const target = byId(attribute(control, "aria-controls").split(/\s+/)[0]);
    if (!target || /^(?:menu|listbox|dialog|tooltip)$/.test(attribute(target, "role"))) return false;
    return ownLengthOf(target) >= SHORTEST_PART && boxOf(/** @type {Element} */ (target)).height === 0;
  }

  /** The length of its text outside of links and buttons: what is left of a menu is nothing. @param {Node} node */
  function ownLengthOf(node) {
    const size = (/** @type {Node} */ of) => textOf(of).replace(/\s+/g, " ").trim().length;
    const others = all(node, "a, button, label, script, style, template, option");
    return size(node) - others.reduce((sum, each) => sum + size(each), 0);
  }

  /**
   * Whether an element that is not drawn is a part of the text that is folded, or in another tab.
   * @param {Element} element
   */
  function isFolded(element) {
    if (ownLengthOf(element) < SHORTEST_PART) return false;
    if (
      closest(element, "nav, header, footer, [role=navigation], [role=menu], [role=dialog], dialog, [aria-modal=true]")
    )
      return false;
    if (/modal|popup|pop-up|popover|dropdown|menu|tooltip|dialog|overlay|lightbox/i.test(namesOf(element)))
      return false;
    if (all(element, "form, textarea, [role=dialog]").length > 0) return false;
    if (attribute(element, "hidden") === "until-found" || closest(element, words.FOLDED)) return true;
    if (words.FOLD_NAME.test(`${attribute(element, "class")} ${namesOf(/** @type {Node} */ (parentOf(element)))}`))
      return true;
    if (attribute(element, "role") === "tabpanel" || words.TAB.test(attribute(element, "class"))) return true;
    const before = property(Element.prototype, "previousElementSibling");
    const control = before(element) ?? before(parentOf(element));
    const title = control ? textOf(control).trim() : "";
    if (title && title.length < 200 && boxOf(control).height > 0 && closest(element, words.UNFOLDING)) return true;
    // Some of their kind are folded, others are not.
    const names = attribute(element, "class");
    if (!names.trim()) return false;
    const kind = `${nameOf(element)}[class="${CSS.escape(names)}"]`;
    const isShown =
      shownKinds.get(kind) ?? all(document, kind).some((other) => boxOf(other).height > 0 && ownLengthOf(other) > 0);
    shownKinds.set(kind, isShown);
    return isShown;
  }

  /**
   * Whether an element has links to the other pages of a thread or a list.
   * @param {Node} element
   * @param {string} names
   */
  function hasOtherPages(element, names) {
    if (!words.PAGES.test(names)) return false;
    const labels = all(element, "a[href], button").map((link) => textOf(link).trim());
    const [, page, last] = words.PAGE_OF.exec(textOf(element)) ?? [];
    if (last !== undefined) return Number(last) > 1 || page !== last;
    return labels.some((label) => /^\d{1,5}$/.test(label)) || false;
  }

  /** "1–50 of 1,234", "Page 1 of 5". @param {string} text */
  function isPartOfMore(text) {
    const [, shown, total] = words.RANGE.exec(text) ?? words.SHOWING.exec(text) ?? [];
    if (total !== undefined) return numberOf(shown) < numberOf(total);
    const [, page, last] = words.PAGE_OF.exec(text) ?? [];
    return last !== undefined && page !== undefined && Number(last) > 1;
  }

  /** "12 / 57" beside a thread that loads its posts as one scrolls. @param {Node} element @param {string} names */
  function isProgress(element, names) {
    if (!words.PROGRESS.test(names)) return false;
    const [, at, total] = /(\d+)\s*\/\s*(\d+)/.exec(textOf(element)) ?? [];
    return total !== undefined && Number(at) <= Number(total) && Number(total) > 1;
  }

  /**
   * Why an element is empty: it is a placeholder for what is not there yet.
   * @param {Element} element
   * @param {string} names
   * @returns {"loading" | "virtual" | undefined}
   */
  function emptyPlace(element, names) {
    if (!words.EMPTY.test(names) || textOf(element).trim() || boxOf(element).height < 24) return undefined;
    return /cloaked/i.test(names) ? "virtual" : "loading";
  }

  /**
   * Whether a list holds only what is in view: it is as tall as the whole list, and most of it is empty.
   * @param {Element} element
   */
  function isVirtual(element) {
    const style = attribute(element, "style");
    if (!/height|padding|translate/.test(style)) return false;
    const sizes = [...style.matchAll(/(\d+(?:\.\d+)?)(?:px|\))/g)].map(([, digits]) => Number(digits));
    if (!sizes.some((size) => size >= TALL)) return false;
    const height = offsetHeightOf(element);
    if (height < TALL) return false;
    if (!textOf(element).trim()) {
      // A spacer is above or below the rows that are drawn.
      if (all(element, "img, video, canvas, iframe, svg, object").length > 0) return false;
      const filled = elementsIn(/** @type {Node} */ (parentOf(element))).map((other) => textOf(other).trim() !== "");
      const at = elementsIn(/** @type {Node} */ (parentOf(element))).indexOf(element);
      return filled.slice(0, at).includes(true) !== filled.slice(at + 1).includes(true);
    }
    let parts = elementsIn(element);
    while (parts.length === 1) parts = elementsIn(parts[0]);
    let [top, bottom] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (const part of parts) {
      if (!textOf(part).trim()) continue;
      const box = boxOf(/** @type {Element} */ (part));
      top = Math.min(top, box.top);
      bottom = Math.max(bottom, box.bottom);
    }
    if (bottom <= top) return false;
    const covered = bottom - top;
    const isPlaced =
      /padding|translate/.test(style) ||
      parts.some((part) => /absolute/.test(getComputedStyle(/** @type {Element} */ (part)).position)) ||
      parts.some((part) => !textOf(part).trim() && boxOf(/** @type {Element} */ (part)).height >= TALL / 2) ||
      /translate|padding|top:/.test(parts.map((part) => attribute(part, "style")).join()) ||
      /translate|padding/.test(
        elementsIn(element)
          .map((part) => attribute(part, "style"))
          .join(),
      );
    return isPlaced && covered < height * 0.6;
  }

  /**
   * Whether an element asks for consent to cookies and the like, over or beside the page.
   * @param {Node} element
   * @param {string} names
   * @param {string} position
   */
  function isConsent(element, names, position) {
    const isDialog = /^(?:alert)?dialog$/.test(attribute(element, "role")) || nameOf(element) === "dialog";
    const isNamed = words.CONSENT_NAME.test(names) || words.CONSENT_NAME.test(attribute(element, "aria-label"));
    if (!isNamed && !isDialog && position !== "fixed" && position !== "sticky") return false;
    if (all(element, "main, article, [role=main]").length > 0) return false;
    const text = textOf(element);
    if (!isNamed && !isDialog && text.length > LONGEST_CONSENT / 4) return false;
    return text.length <= LONGEST_CONSENT && words.CONSENT_TEXT.test(text) && words.CONSENT_ANSWER.test(text);
  }

  /**
   * The host of a frame that cannot be read; undefined for one that holds no text that a reader would miss.
   * @param {Element} frame
   * @returns {string | undefined}
   */
  function unreadFrame(frame) {
    const { width, height } = boxOf(frame);
    if (width * height < SMALLEST_FRAME) return undefined;
    // A player has no text.
    if (/picture-in-picture|^\s*autoplay;?\s*$/.test(attribute(frame, "allow"))) return undefined;
    if (words.CONSENT_NAME.test(namesOf(frame)) || closest(frame, "[aria-hidden=true]")) return undefined;
    const address = attribute(frame, "src") || attribute(frame, "data");
    let host = "";
    try {
      if (address) host = new URL(address, location.href).hostname;
    } catch {
      // It has none.
    }
    return words.ADVERTISERS.test(host) ? undefined : host;
  }

  /**
   * Whether a drawing takes most of the window, as in maps and some editors.
   * @param {Element} canvas
   * @param {CSSStyleDeclaration} style
   */
  function isDrawnPage(canvas, style) {
    const { width, height } = boxOf(canvas);
    return (
      style.position !== "fixed" && style.pointerEvents !== "none" && width * height > innerWidth * innerHeight * 0.4
    );
  }

  return {
    SHORTEST_PART,
    TRANSCRIPT: words.TRANSCRIPT,
    brings,
    PAYWALL: words.PAYWALL,
    emptyPlace,
    foldedBy,
    hasOtherPages,
    isBeside,
    isConsent,
    isDrawnPage,
    isFolded,
    isPartOfMore,
    isProgress,
    isVirtual,
    namesOf,
    unreadFrame,
  };
}
