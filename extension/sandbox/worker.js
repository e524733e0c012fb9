/**
 * The worker inside the sandboxed page: Pyodide, and one conversation's Python in it. All files come with the first
 * message, since the network is for the hosts that the user allows. It reports what the code does through a port to the
 * page around it.
 *
 * The code that runs here is not trusted, and it can reach all that is reachable from `globalThis`. What it must not
 * get, the port above all, is kept in closures; the prototypes through which it could be caught on the way are frozen;
 * and what is called after code has run was taken from the browser before.
 */

const INDEX = "https://sandbox.invalid/";
const PAGE_BYTES = 65_536;
const SWITCHED_OFF =
  "The network is switched off in this sandbox. The user can allow single hosts in the settings of the conversation.";
const NO_SOCKETS = "There are no sockets in a browser. Use requests, urllib.request or pyodide.http.";
/** In one run, of output and result. More than Python's side ever sends; code that goes around it is cut off. */
const MOST_CHARACTERS = 16_000_000;

addEventListener("message", ({ data, ports: [port] }) => start(data, port), { once: true });

/**
 * @param {{modules: Record<string, string>, archives: Record<string, ArrayBuffer>, lock: string, memory_limit: number,
 *   hosts: string[], origins: string[]}} files
 * @param {MessagePort} port
 */
async function start({ modules, archives, lock, memory_limit, hosts, origins }, port) {
  const { apply } = Reflect;
  const toText = String;
  const { then } = Promise.prototype;
  const post = port.postMessage.bind(port);
  /** @param {unknown} reason */
  const broken = (reason) => post({ type: "Broken", reason: toText(reason) });
  const prototypes = [Event, MessageEvent, MessagePort, EventTarget].map(({ prototype }) => prototype);
  /** @param {unknown} result */
  const done = (result) => {
    if (typeof result === "string" && result.length <= MOST_CHARACTERS) post({ type: "Done", result });
    else broken("the result is too large");
  };
  try {
    const gate = makeGate(() => post({ type: "Late" }));
    limitMemory(memory_limit);
    const { fetch } = globalThis;
    const run = await startPython(modules, archives, lock, hosts.length > 0 ? NO_SOCKETS : SWITCHED_OFF, broken);
    explainRefusals(fetch, hosts, origins);
    gate.lock();
    for (const prototype of prototypes) Object.freeze(prototype);
    await gate.settle();
    port.onmessage = ({ data: { type, code } }) => {
      if (type === "Settle") {
        apply(then, gate.settle(), [(/** @type {boolean} */ isQuiet) => post({ type: "Settled", isQuiet })]);
        return;
      }
      gate.open();
      let left = MOST_CHARACTERS;
      /** @param {unknown} stream @param {unknown} text */
      const onOutput = (stream, text) => {
        if (typeof stream !== "string" || typeof text !== "string") return;
        left -= text.length;
        if (left > 0) post({ type: "Output", stream, text });
      };
      // Python's side lets nothing through: the interpreter itself is broken where this fails.
      try {
        apply(then, run(code, onOutput), [done, broken]);
      } catch (error) {
        broken(error);
      }
    };
    post({ type: "Ready" });
  } catch (error) {
    broken(error);
  }
}

/**
 * @param {Record<string, string>} modules
 * @param {Record<string, ArrayBuffer>} archives
 * @param {string} lock
 * @param {string} noSockets  The message of the error that opening a socket raises.
 * @param {(reason: unknown) => void} onFatal
 * @returns {Promise<(code: string, onOutput: (stream: string, text: string) => void) => Promise<string>>}
 */
async function startPython(modules, archives, lock, noSockets, onFatal) {
  const [{ loadPyodide }, { default: createPyodideModule }] = await Promise.all([
    import(modules.pyodide),
    import(modules.runtime),
  ]);
  // Pyodide asks for these two by address.
  const files = /** @type {Record<string, Response>} */ ({
    [`${INDEX}pyodide.asm.wasm`]: new Response(archives.wasm, { headers: { "content-type": "application/wasm" } }),
    [`${INDEX}python_stdlib.zip`]: new Response(archives.stdlib),
  });
  globalThis.fetch = async (address) => files[String(address)] ?? Promise.reject(new TypeError(SWITCHED_OFF));
  const pyodide = await loadPyodide({
    createPyodideModule,
    indexURL: INDEX,
    lockFileContents: lock,
    env: { HOME: "/home/user", TZ: Intl.DateTimeFormat().resolvedOptions().timeZone },
  });
  // Pyodide's own hook for an interpreter that cannot continue.
  pyodide._api.on_fatal = onFatal;
  const packages = "/lib/packages.zip";
  pyodide.FS.writeFile(packages, new Uint8Array(archives.packages), { canOwn: true });
  pyodide.runPython(`import sys; sys.path.append("${packages}")`);
  const runner = pyodide.pyimport("sidestream_sandbox.runner");
  runner.prepare(noSockets);
  return (code, onOutput) => runner.run.callPromising(code, onOutput);
}

/**
 * Python gets a `MemoryError` where the heap would grow beyond this.
 * @param {number} limit  In bytes.
 */
function limitMemory(limit) {
  const { Memory } = WebAssembly;
  const { grow } = Memory.prototype;
  const { apply, construct } = Reflect;
  const over = () => new RangeError("over the memory limit");
  Memory.prototype.grow = function (pages) {
    if (this.buffer.byteLength + Number(pages) * PAGE_BYTES > limit) throw over();
    return apply(grow, this, [pages]);
  };
  WebAssembly.Memory = new Proxy(Memory, {
    construct: (target, [description], fresh) => {
      if (Number(description?.initial) * PAGE_BYTES > limit) throw over();
      return construct(target, [description], fresh);
    },
  });
}

/**
 * The policy of the page blocks requests; this only explains to a person why one has failed.
 * @param {typeof globalThis.fetch} fetch
 * @param {string[]} hosts
 * @param {string[]} origins  What may be reached of the hosts.
 */
function explainRefusals(fetch, hosts, origins) {
  /** @param {string} address */
  const refusal = (address) => {
    if (hosts.length === 0) return SWITCHED_OFF;
    const { origin } = new URL(address);
    if (origins.includes(origin)) return "";
    if (origins.includes(origin.replace(/^http:/, "https:"))) return `${origin} may be reached by https:// only.`;
    return `${origin} may not be reached, only ${hosts.join(", ")}. The user can allow it in the settings of the conversation.`;
  };
  /** @param {string} address */
  const failure = (address) =>
    `${new URL(address).origin} did not answer, or does not let browsers read its answers (CORS), or forwards to a host that may not be reached.`;

  globalThis.fetch = async (input, init) => {
    const request = new Request(input, init);
    const reason = refusal(request.url);
    if (reason) throw new TypeError(reason);
    try {
      return await fetch(request);
    } catch (error) {
      throw error instanceof TypeError ? new TypeError(failure(request.url)) : error;
    }
  };

  const { open, send } = XMLHttpRequest.prototype;
  /** @type {WeakMap<XMLHttpRequest, string>} */
  const addresses = new WeakMap();
  XMLHttpRequest.prototype.open = function (/** @type {any[]} */ ...parameters) {
    addresses.set(this, String(parameters[1]));
    Reflect.apply(open, this, parameters);
  };
  /** @param {XMLHttpRequestBodyInit} [body] */
  XMLHttpRequest.prototype.send = function (body) {
    const address = addresses.get(this) ?? "";
    const reason = addresses.has(this) && refusal(address);
    if (reason) throw networkError(reason);
    try {
      send.call(this, body);
    } catch (error) {
      const isNetwork = error instanceof DOMException && error.name === "NetworkError";
      throw isNetwork ? networkError(failure(address)) : error;
    }
  };
}

/**
 * As the browser's own, but no `DOMException`: one that is made here, Pyodide does not know for an error.
 * @param {string} message
 */
function networkError(message) {
  return Object.assign(new Error(message), { name: "NetworkError" });
}
