/**
 * What code in the sandbox's worker can have done later, and the gate through which it has to pass. A run ends when its
 * code does: its timers are cleared then, its requests are ended, and whatever is started afterwards is refused and
 * reported. All that could run later by another way (further workers, channels, streams, the browser's other APIs) is
 * taken out of the worker before any code runs.
 *
 * A classic script: it is run in the worker before `worker.js`, in the same file.
 */

/** Of JavaScript itself. */
const LANGUAGE = `
  Object Function Array Number parseFloat parseInt Infinity NaN undefined Boolean String Symbol Date Promise RegExp
  Error AggregateError EvalError RangeError ReferenceError SyntaxError TypeError URIError SuppressedError globalThis
  JSON Math Intl ArrayBuffer Atomics Uint8Array Int8Array Uint16Array Int16Array Uint32Array Int32Array Float16Array
  Float32Array Float64Array Uint8ClampedArray BigUint64Array BigInt64Array DataView Map BigInt Set Iterator WeakMap
  WeakSet WeakRef Proxy Reflect decodeURI decodeURIComponent encodeURI encodeURIComponent escape unescape eval
  isFinite isNaN console WebAssembly DisposableStack AsyncDisposableStack FinalizationRegistry
`
  .trim()
  .split(/\s+/);
/** Of the browser: what libraries use, and what Pyodide itself does. */
const BROWSER = `
  self location origin isSecureContext crossOriginIsolated navigator performance crypto setTimeout clearTimeout
  setInterval clearInterval queueMicrotask structuredClone atob btoa fetch Request Response Headers FormData URL
  URLSearchParams Blob File FileReaderSync TextEncoder TextDecoder AbortController AbortSignal Event EventTarget
  ErrorEvent CustomEvent ProgressEvent DOMException XMLHttpRequest XMLHttpRequestUpload XMLHttpRequestEventTarget
  ReadableStream ReadableStreamDefaultReader WorkerGlobalScope DedicatedWorkerGlobalScope WorkerLocation constructor
  MessageEvent
`
  .trim()
  .split(/\s+/);
/** Gone as well once Pyodide has started, since nothing counts what they do. */
const UNCOUNTED = /** @type {[object, string[]][]} */ ([
  [globalThis, ["MessageChannel", "FinalizationRegistry"]],
  [WebAssembly, ["compile", "instantiate", "compileStreaming", "instantiateStreaming"]],
  [Atomics, ["waitAsync"]],
  [AbortSignal, ["timeout"]],
  [ReadableStream.prototype, ["pipeTo", "pipeThrough", "tee", "values", /** @type {any} */ (Symbol.asyncIterator)]],
]);
/** What gives a promise that is kept later. */
const COUNTED = /** @type {[any, string[]][]} */ ([
  [Response.prototype, ["arrayBuffer", "blob", "bytes", "formData", "json", "text"]],
  [Request.prototype, ["arrayBuffer", "blob", "bytes", "formData", "json", "text"]],
  [Blob.prototype, ["arrayBuffer", "bytes", "text"]],
  [ReadableStreamDefaultReader.prototype, ["read"]],
  [globalThis.ReadableStreamBYOBReader?.prototype, ["read"]],
]);
const NO_WORKERS = "There are no further workers in this sandbox, and no scripts of JavaScript.";
const RUN_IS_OVER = "The run that this belongs to is over.";
/** What is still under way has this number of turns of the event loop, and of milliseconds, to end. */
const MOST_TURNS = 200;
const MOST_MS = 1_000;

/**
 * Puts the gate before all that is done later. Once, before anything else runs in this worker.
 * @param {() => void} onLate  Called when something is started while no run is under way.
 * @returns {{open: () => void, settle: () => Promise<boolean>, lock: () => void}}  `open` begins a run. `settle` ends
 *   one: it resolves to whether all that the run had started is at an end. `lock` takes away what only Pyodide's start
 *   needs.
 */
function makeGate(onLate) {
  // From before any code could put others in their place.
  const native = {
    setTimeout: setTimeout.bind(globalThis),
    clearTimeout: clearTimeout.bind(globalThis),
    setInterval: setInterval.bind(globalThis),
    queueMicrotask: queueMicrotask.bind(globalThis),
    fetch: fetch.bind(globalThis),
    ...{ Request, TypeError, AbortController, MessageChannel },
  };
  const { apply, deleteProperty } = Reflect;
  const { then } = Promise.prototype;
  const now = performance.now.bind(performance);
  const reject = Promise.reject.bind(Promise);
  const combine = AbortSignal.any.bind(AbortSignal);
  /** Before the first run everything may be done: Pyodide starts. @type {"open" | "ending" | "shut"} */
  let state = "open";
  /** What a run has under way. */
  const timers = new Set();
  const requests = new Set();
  let waiting = 0;
  let ender = new native.AbortController();

  /** Whether something may be started now. */
  const mayStart = () => {
    if (state === "shut") onLate();
    return state === "open";
  };
  const over = () => new native.TypeError(RUN_IS_OVER);

  /**
   * @param {typeof setTimeout | typeof setInterval} set
   * @param {boolean} once
   */
  const timer =
    (set, once) =>
    (/** @type {any} */ act, /** @type {number} */ delay, /** @type {any[]} */ ...more) => {
      if (typeof act !== "function" || !mayStart()) return 0;
      const id = set(() => {
        if (once) timers.delete(id);
        if (state !== "shut") apply(act, globalThis, more);
      }, delay);
      timers.add(id);
      return id;
    };
  const clear = (/** @type {any} */ id) => {
    timers.delete(id);
    native.clearTimeout(id);
  };

  /**
   * Counts a promise until it is kept or broken.
   * @param {Promise<any>} promise
   */
  const count = (promise) => {
    waiting += 1;
    const done = () => {
      waiting -= 1;
    };
    apply(then, promise, [done, done]);
    return promise;
  };

  const gated = {
    setTimeout: timer(native.setTimeout, true),
    setInterval: timer(native.setInterval, false),
    clearTimeout: clear,
    clearInterval: clear,
    queueMicrotask: (/** @type {any} */ act) => mayStart() && native.queueMicrotask(act),
    fetch: (/** @type {any} */ input, /** @type {any} */ init) => {
      if (!mayStart()) return reject(over());
      try {
        const request = new native.Request(input, init);
        return count(native.fetch(request, { signal: combine([request.signal, ender.signal]) }));
      } catch (error) {
        return reject(error);
      }
    },
    // Nobody listens to either.
    postMessage: () => {},
    reportError: () => {},
    Worker: function Worker() {
      throw new native.TypeError(NO_WORKERS);
    },
    importScripts: () => {
      throw new native.TypeError(NO_WORKERS);
    },
    navigator: Object.freeze({
      language: navigator.language,
      languages: navigator.languages,
      userAgent: navigator.userAgent,
      platform: "",
    }),
    performance: Object.freeze({ now, timeOrigin: performance.timeOrigin }),
    crypto: Object.freeze({ getRandomValues: crypto.getRandomValues.bind(crypto) }),
    /** As much of one as Pyodide uses for what it does in the next turn. */
    MessageChannel: class {
      #real = new native.MessageChannel();
      port1 = { onmessage: () => {} };
      port2 = {
        postMessage: () => {
          if (state === "shut") onLate();
          waiting += 1;
          this.#real.port2.postMessage(0);
        },
      };
      constructor() {
        this.#real.port1.onmessage = () => {
          waiting -= 1;
          this.port1.onmessage();
        };
      }
    },
  };

  for (const [prototype, names] of COUNTED) {
    for (const name of names) {
      const method = prototype?.[name];
      if (!method) continue;
      define(
        prototype,
        name,
        /** @this {any} @param {any[]} given */ function (...given) {
          return mayStart() ? count(apply(method, this, given)) : reject(over());
        },
      );
    }
  }
  const { send, abort } = XMLHttpRequest.prototype;
  const { addEventListener } = EventTarget.prototype;
  define(
    XMLHttpRequest.prototype,
    "send",
    /** @this {any} @param {any[]} given */ function (...given) {
      if (!mayStart()) throw over();
      waiting += 1;
      const done = () => {
        requests.delete(this);
        waiting -= 1;
      };
      requests.add(this);
      apply(addEventListener, this, ["loadend", done, { once: true }]);
      try {
        apply(send, this, given);
      } catch (error) {
        // A request that fails while the code waits for it has no end of its own.
        if (requests.has(this)) done();
        throw error;
      }
    },
  );

  const turn = () => new Promise((resolve) => native.setTimeout(resolve, 0));
  removeOthers(new Set([...LANGUAGE, ...BROWSER]), Object.keys(gated));
  for (const [name, value] of Object.entries(gated)) define(globalThis, name, value);

  return {
    open: () => {
      state = "open";
    },
    lock: () => {
      for (const [holder, names] of UNCOUNTED) for (const name of names) deleteProperty(holder, name);
    },
    settle: async () => {
      state = "ending";
      for (const id of timers) native.clearTimeout(id);
      timers.clear();
      ender.abort();
      ender = new native.AbortController();
      for (const request of requests) apply(abort, request, []);
      requests.clear();
      const begin = now();
      for (let turns = 0; waiting > 0 && turns < MOST_TURNS && now() - begin < MOST_MS; turns += 1) await turn();
      state = "shut";
      return waiting === 0;
    },
  };
}

/**
 * @param {any} holder
 * @param {string} name
 * @param {any} value
 */
function define(holder, name, value) {
  Object.defineProperty(holder, name, { value, writable: true, configurable: true });
}

/**
 * Of what the worker's global object has and inherits.
 * @param {Set<string>} kept
 * @param {string[]} gated  Those that the global object gets anew; the browser's own are not to be had from a prototype
 *   either.
 */
function removeOthers(kept, gated) {
  for (const name of gated) kept.delete(name);
  for (let holder = globalThis; holder && holder !== EventTarget.prototype; holder = Object.getPrototypeOf(holder)) {
    for (const name of Object.getOwnPropertyNames(holder)) {
      if (!kept.has(name)) Reflect.deleteProperty(holder, name);
    }
  }
}
