/** Addresses of links, compared with that of the page. Injected before `reader.js`. */
/** @param {ReturnType<typeof pageDom>} dom */
function pageAddresses({ addressOf }) {
  /** @param {string} address  Its user's name and password can be the page's own. */
  const withoutUser = (address) => address.replace(/^(https?:\/\/)[^/?#]*@/, "$1");
  /** @param {string} address */
  const withoutFragment = (address) => address.replace(/#.*$/s, "");
  const withoutQuery = (/** @type {string} */ of) => of.replace(/[?#].*$/s, "");
  /** The address of the page. */
  const here = withoutFragment(location.href);

  /** @param {Node} link @returns {boolean}  Whether it leads to a place in this page. */
  const leadsHere = (link) => withoutFragment(addressOf(link) ?? "") === here;

  /** Whether a link shows more of this very page. @param {string} address */
  function isSamePage(address) {
    if (!/^https?:/.test(address)) return true;
    return withoutFragment(address) === here || withoutQuery(address) === withoutQuery(here);
  }

  return { here, isSamePage, leadsHere, withoutFragment, withoutUser };
}
