/** Which hosts are this computer itself. Nothing that is sent there crosses a network. */

/**
 * @param {string} hostname  Of a `URL`, which writes numbers and letters in one way.
 * @returns {boolean}
 */
export function isLoopback(hostname) {
  return (
    hostname === "localhost" ||
    hostname.endsWith(".localhost") ||
    hostname === "[::1]" ||
    /^127(?:\.\d+){3}$/.test(hostname)
  );
}
