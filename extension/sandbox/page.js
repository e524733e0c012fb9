/**
 * The sandboxed page. It has an opaque origin and no access to the extension. It only starts the worker in which Python runs, after it has
 * narrowed its own content security policy to what this conversation's Python may reach. The worker inherits that, as does all that it
 * starts, and nothing can widen a policy. A worker has no document, so Python can neither navigate this frame nor use what no policy covers
 * (WebRTC, hints to resolve names).
 *
 * A classic script: modules are fetched in a way that an opaque origin is refused. For the same reason the parent sends the files.
 */

addEventListener("message", ({ source, data, ports }) => {
  if (source !== parent) return;
  if (data.type === "Ping") {
    parent.postMessage({ type: "Alive" }, "*");
    return;
  }
  const { modules, archives, origins } = data;
  limitNetwork(origins);
  /** @param {string} text */
  const address = (text) => URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
  const worker = new Worker(address(modules.worker));
  worker.addEventListener("error", () => parent.postMessage({ type: "Failed" }, "*"));
  const addresses = { pyodide: address(modules.pyodide), runtime: address(modules.runtime) };
  worker.postMessage({ ...data, modules: addresses }, [...ports, ...Object.values(archives)]);
});

/** @param {string[]} origins */
function limitNetwork(origins) {
  const policy = document.createElement("meta");
  policy.httpEquiv = "Content-Security-Policy";
  policy.content = `connect-src ${origins.length > 0 ? origins.join(" ") : "'none'"}`;
  // Anywhere else it would not count.
  document.head.append(policy);
}
