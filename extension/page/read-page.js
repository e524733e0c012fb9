/**
 * What a page says, as text with Markdown's headings, lists, tables and links. Injected into the page's isolated world,
 * after the other files of this folder; its value is what was read.
 *
 * All visible text is read, in the order of the flat tree (shadow roots and their slots as they are drawn, frames of
 * the same site in their place), without what surrounds it: navigation, the site's header and footer, questions about
 * cookies. Where little is left without these, they are read as well. `docs/architecture.md` says why no reader of
 * articles does it.
 *
 * Nothing of the page is changed, loaded or run. What could be seen and was not read is named in `missing`.
 */
(() => {
  /** Characters. What is beyond is left out. */
  const LIMIT = 200_000;
  /** A page with less may have its text where others have only what surrounds it. */
  const SHORTEST_PAGE = 2000;
  /** A page that asks about cookies, with less text than this, hides its text as long as it asks. */
  const SHORTEST_TEXT = 300;
  /** What ended the reading of something that is there. */
  const FAILURES = new Set(["cut", "slow", "deep", "failed", "frames", "canvas"]);

  const dom = pageDom();
  const layout = pageLayout(dom);
  const addresses = pageAddresses(dom);
  const code = pageCode(dom, layout);
  const signs = pageSigns(dom, pageSignWords());
  const Reader = pageReader({
    dom,
    layout,
    code,
    math: pageMath(dom),
    tables: pageTables(dom, layout),
    signs,
    surroundings: pageSurroundings(dom, layout, code, signs),
    elements: pageElements({ dom, addresses, signs }),
    Numbering: pageLists(dom),
    Writer: pageWriter(pageLines(), code, LIMIT),
    Findings: pageFindings(dom, signs, addresses),
    limit: LIMIT,
  });
  const { all, attribute, bodyOf, boxOf, property, rootOf } = dom;

  /** @param {Node} root @param {{isDrawn: boolean, isAll: boolean}} how */
  function readWith(root, how) {
    const reader = new Reader(how);
    return { text: reader.read(root), reader };
  }

  /** @param {Node} root */
  function readAll(root) {
    const main = readWith(root, { isDrawn: true, isAll: false });
    const { hasSkipped, hasConsent } = main.reader;
    if (main.text.length >= SHORTEST_PAGE || !(hasSkipped || hasConsent)) return main;
    const everything = readWith(root, { isDrawn: true, isAll: true });
    if (hasConsent && main.text.length < SHORTEST_TEXT) {
      // The page hides its text as long as it asks: what is beneath, or the question alone.
      const hidden = all(root, "main, article, [role=main], #content").filter(
        (each) => boxOf(each).height === 0 || layout.styleOf(each).visibility !== "visible",
      );
      const beneath = hidden.length > 0 ? readWith(hidden[0], { isDrawn: false, isAll: true }) : everything;
      const chosen = beneath.text.length >= SHORTEST_TEXT ? beneath : main.text ? main : everything;
      if (chosen !== main || hidden.length > 0) chosen.reader.findings.add("consent");
      return chosen;
    }
    if (hasConsent || main.text.length * 2 >= everything.text.length) return main;
    // Navigation leads to other pages, and is no sign that this one has more.
    const { missing } = everything.reader.findings;
    for (const reason of missing) if (!FAILURES.has(reason)) missing.delete(reason);
    for (const reason of main.reader.findings.missing) missing.add(reason);
    return everything;
  }

  const root = bodyOf(document) ?? rootOf(document);
  const read = root ? readAll(root) : undefined;
  const missing = read?.reader.findings.missing ?? new Set();
  const text = read?.text ?? "";
  if (text.length > LIMIT) missing.add("cut");
  if (property(Document.prototype, "readyState")(document) === "loading") missing.add("loading");
  return {
    address: location.href,
    title: property(Document.prototype, "title")(document),
    language: rootOf(document) ? attribute(/** @type {Node} */ (rootOf(document)), "lang") : "",
    type: property(Document.prototype, "contentType")(document),
    text: text.slice(0, LIMIT),
    missing: [...missing],
    hosts: [...(read?.reader.findings.hosts ?? [])],
  };
})();
