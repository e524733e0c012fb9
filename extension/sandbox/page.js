/**
 * The sandboxed page. It has an opaque origin and no access to the extension, and its content security policy lets nothing
 * out. It only starts the worker in which Python runs: a worker has no document, so Python can neither navigate this frame nor
 * use what no policy covers (WebRTC, hints to resolve names).
 *
 * A classic script: modules are fetched in a way that an opaque origin is refused. For the same reason the parent sends the files.
 */

addEventListener("message", ({ source, data, ports }) => {
  if (source !== parent) return;
  if (data.type === "Ping") {
    parent.postMessage({ type: "Alive" }, "*");
    return;
  }
  const { modules, archives } = data;
  /** @param {string} text */
  const address = (text) => URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
  const worker = new Worker(address(modules.worker));
  worker.addEventListener("error", () => parent.postMessage({ type: "Failed" }, "*"));
  const addresses = { pyodide: address(modules.pyodide), runtime: address(modules.runtime) };
  worker.postMessage({ ...data, modules: addresses }, [...ports, ...Object.values(archives)]);
});
