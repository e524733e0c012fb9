/**
 * Records when each numbered word of an answer appears in the document. Put into a page by `bench/latency.py`; the
 * words are `w0`, `w1`, ... in rising order.
 */

globalThis.probe = (() => {
  /** @type {number[]} Times on the system's clock, in milliseconds. */
  let seen = [];
  const log = /** @type {HTMLElement} */ (document.querySelector("#conversation"));
  const word = /w(\d+)(?=[^\w])/g;

  /** The end of the document's text, long enough to hold the last whole word. */
  function ending() {
    let text = "";
    const walker = document.createTreeWalker(log, NodeFilter.SHOW_TEXT);
    let node = lastText(walker);
    while (node && text.length < 40) {
      text = node.textContent + text;
      node = walker.previousNode();
    }
    return `${text} `;
  }

  /** @param {TreeWalker} walker */
  function lastText(walker) {
    let node = walker.root;
    while (node.lastChild) node = node.lastChild;
    walker.currentNode = node;
    return node.nodeType === Node.TEXT_NODE ? node : walker.previousNode();
  }

  const observer = new MutationObserver(() => {
    const now = clock();
    let last = -1;
    for (const match of ending().matchAll(word)) last = Math.max(last, Number(match[1]));
    while (seen.length <= last) seen.push(now);
  });
  observer.observe(log, { childList: true, characterData: true, subtree: true });

  /** `performance.now()` is more precise than `Date.now()`, but has another origin. */
  let offset = 0;
  const clock = () => performance.now() + offset;
  function setClock() {
    const first = Date.now();
    let now = first;
    let fine = 0;
    while (now === first) {
      fine = performance.now();
      now = Date.now();
    }
    offset = now - fine;
  }

  return {
    begin() {
      seen = [];
      setClock();
    },
    get seen() {
      return seen;
    },
    get text() {
      return log.lastElementChild?.textContent ?? "";
    },
  };
})();
