/**
 * The sandboxed page. It has an opaque origin and no access to the extension. It starts the worker in which Python
 * runs, after it has narrowed its own content security policy to what this conversation's Python may reach. The worker
 * inherits that, as does all that it starts, and nothing can widen a policy. A worker has no document, so Python can
 * neither navigate this frame nor use what no policy covers (WebRTC, hints to resolve names).
 *
 * It also separates the worker from the extension: none of the code that is not trusted runs here, so what comes
 * from the worker is checked here for its type and size, in the sandbox's own process, before anything of it is copied
 * into the extension's.
 *
 * A classic script: modules are fetched in a way that an opaque origin is refused. For the same reason the parent sends
 * the files.
 */

/**
 * In characters: of one stream of a run, of its result, and of why something failed. More than Python's side ever
 * sends.
 */
const LONGEST_STREAM = 40_000;
const LONGEST_RESULT = 16_000_000;
const LONGEST_REASON = 1_000;
/** So long may what a run has started take to end after it; a worker that says nothing then is not at rest. */
const SETTLE_MS = 5_000;

/** To the extension. @type {MessagePort | undefined} */
let out;
/** What is left of each stream's room in this run. */
let room = { stdout: 0, stderr: 0 };
/** Whether a run is under way, and the result of one that waits for the worker to come to rest. */
let isRunning = false;
let result = "";
/** @type {ReturnType<typeof setTimeout> | undefined} */
let settling;

addEventListener("message", ({ source, data, ports }) => {
  if (source !== parent) return;
  if (data.type === "Ping") {
    parent.postMessage({ type: "Alive" }, "*");
    return;
  }
  const { modules, archives, origins } = data;
  out = ports[0];
  addPolicy(`connect-src ${origins.length > 0 ? origins.join(" ") : "'none'"}`);
  /** @param {string} text */
  const address = (text) => URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
  // In a function, so that none of their names are the code's to see.
  const worker = new Worker(address(`(() => {\n${modules.gate}\n${modules.worker}\n})();`));
  // The worker takes this over as well: it can start no other one.
  addPolicy("worker-src 'none'");
  worker.addEventListener("error", () => parent.postMessage({ type: "Failed" }, "*"));
  const addresses = { pyodide: address(modules.pyodide), runtime: address(modules.runtime) };
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = (event) => hear(port1, event.data);
  out.onmessage = (event) => begin(port1, event.data);
  worker.postMessage({ ...data, modules: addresses }, [port2, ...Object.values(archives)]);
});

/** @param {string} text */
function addPolicy(text) {
  const policy = document.createElement("meta");
  policy.httpEquiv = "Content-Security-Policy";
  policy.content = text;
  // Anywhere else it would not count.
  document.head.append(policy);
}

/**
 * @param {MessagePort} worker
 * @param {{code: string}} request
 */
function begin(worker, { code }) {
  isRunning = true;
  room = { stdout: LONGEST_STREAM, stderr: LONGEST_STREAM };
  worker.postMessage({ type: "Run", code });
}

/**
 * What the worker says, as far as it is what it should be: the code that runs there can say in its place whatever it
 * likes.
 * @param {MessagePort} worker
 * @param {unknown} data
 */
function hear(worker, data) {
  const message = /** @type {Record<string, unknown>} */ (typeof data === "object" && data ? data : {});
  switch (message.type) {
    case "Ready":
      out?.postMessage({ type: "Ready" });
      break;
    case "Output":
      if (isRunning) pass(message);
      break;
    case "Done":
      if (!isRunning || settling !== undefined) break;
      result = text(message.result, LONGEST_RESULT);
      settling = setTimeout(finish, SETTLE_MS, false);
      worker.postMessage({ type: "Settle" });
      break;
    case "Settled":
      if (settling !== undefined) finish(message.isQuiet === true);
      break;
    case "Late":
      out?.postMessage({ type: "Late" });
      break;
    case "Broken":
      out?.postMessage({ type: "Broken", reason: text(message.reason, LONGEST_REASON) });
      break;
  }
}

/** @param {Record<string, unknown>} output */
function pass(output) {
  const stream = output.stream === "stderr" ? "stderr" : "stdout";
  const written = text(output.text, Number.POSITIVE_INFINITY).slice(0, room[stream]);
  room[stream] -= written.length;
  if (written) out?.postMessage({ type: "Output", stream, text: written });
}

/** @param {boolean} isQuiet */
function finish(isQuiet) {
  clearTimeout(settling);
  settling = undefined;
  isRunning = false;
  out?.postMessage({ type: "Done", result, isQuiet });
  result = "";
}

/**
 * @param {unknown} value
 * @param {number} longest
 */
function text(value, longest) {
  return typeof value === "string" && value.length <= longest ? value : "";
}
