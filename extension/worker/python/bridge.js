/**
 * HTTP for Python. JavaScript pumps the response's reader by itself and calls Python when something has arrived; Python
 * takes all that has since it last asked. It awaits no promise for it, because each await across the border costs about
 * 50 µs.
 *
 * What crosses: strings, numbers, one `Uint8Array` per batch, and one `FetchPump` per request, which lives in Python as
 * long as its response object. The only Python object that JavaScript keeps is a pump's listener; it lives while
 * the body is read, and Python destroys it. {@link liveFetchPumps} counts what is under way: zero after any number of
 * turns.
 */

import { isLoopback } from "../../shared/loopback.js";
import { holdAwake } from "../keep-alive.js";

/** Bytes that may wait for Python before the pump stops reading, which in the end stops the server. */
export const HIGH_WATER_BYTES = 1 << 20;
/** Python takes so much at once, whatever has arrived: memory that WebAssembly has once had it never gives back. */
export const PIECE_BYTES = 1 << 19;

/** @type {Set<FetchPump>} */
const live = new Set();

/** How many requests are under way. */
export const liveFetchPumps = () => live.size;

/** Abort every request: the Python that made them is gone. */
export function abortAll() {
  for (const pump of live) pump.abort();
}

/**
 * Begin a request.
 * @param {string} method
 * @param {string} url
 * @param {string} headers  A JSON object.
 * @param {Uint8Array} [body]
 */
export function openFetchPump(method, url, headers, body) {
  return new FetchPump(method, url, headers, body);
}

/** A promise that can be settled from outside, made anew for each wait. */
class Signal {
  /** @type {Promise<void> | undefined} */
  #promise;
  /** @type {(() => void) | undefined} */
  #resolve;

  wait() {
    this.#promise ??= new Promise((resolve) => {
      this.#resolve = resolve;
    });
    return this.#promise;
  }

  raise() {
    this.#resolve?.();
    this.#promise = undefined;
    this.#resolve = undefined;
  }
}

/** One request and its answer. HTTP errors are answers; only what is no answer at all has a `failure`. */
export class FetchPump {
  #abort = new AbortController();
  /** @type {Uint8Array[]} */
  #waiting = [];
  #size = 0;
  /** @type {(() => void) | undefined} */
  #listener;
  #taken = new Signal();
  #release = holdAwake();
  /** @type {Promise<string>} */
  #head;

  /** True when nothing more will arrive; what has arrived can still be taken. */
  ended = false;
  /** Why the body broke off, as JSON (see {@link describeFailure}); empty when it did not. */
  failure = "";

  /**
   * @param {string} method
   * @param {string} url
   * @param {string} headers  A JSON object.
   * @param {Uint8Array} [body]
   */
  constructor(method, url, headers, body) {
    live.add(this);
    this.#head = this.#open(method, url, headers, body);
  }

  /**
   * The status and headers as JSON, `{"status": 200, "headers": {...}}`, or `{"failure": {"reason": ...}}`. Never
   * rejects.
   * @returns {Promise<string>}
   */
  head() {
    return this.#head;
  }

  /** What has arrived and was not taken, in order, {@link PIECE_BYTES} at most; undefined when there is nothing. */
  take() {
    const waiting = this.#waiting;
    if (waiting.length === 0) return undefined;
    let count = 0;
    let size = 0;
    while (count < waiting.length && size < PIECE_BYTES) size += waiting[count++].length;
    const chunks = waiting.splice(0, count);
    const over = size - PIECE_BYTES;
    if (over > 0) {
      const last = chunks[count - 1];
      waiting.unshift(last.subarray(-over));
      chunks[count - 1] = last.subarray(0, -over);
      size = PIECE_BYTES;
    }
    this.#size -= size;
    this.#taken.raise();
    if (chunks.length === 1) return chunks[0];
    const all = new Uint8Array(size);
    let offset = 0;
    for (const chunk of chunks) {
      all.set(chunk, offset);
      offset += chunk.length;
    }
    return all;
  }

  /**
   * Call this when something has arrived and nothing was waiting, and at the end; undefined: no longer. A pump
   * that is aborted calls nobody.
   * @param {() => void} [listener]
   */
  listen(listener) {
    this.#listener = listener;
  }

  /** End it now, whatever its state. What waits to be taken is dropped. */
  abort() {
    // Who aborts knows it, and may be a Python that is dead.
    this.#listener = undefined;
    this.#abort.abort();
    this.#waiting = [];
    this.#size = 0;
    this.#taken.raise();
    this.#end();
  }

  #end() {
    this.ended = true;
    live.delete(this);
    this.#release();
    this.#listener?.();
  }

  /**
   * @param {string} method
   * @param {string} url
   * @param {string} headers
   * @param {Uint8Array} [body]
   */
  async #open(method, url, headers, body) {
    try {
      /** @type {RequestInit} */
      const init = {
        method,
        headers: readHeaders(headers),
        signal: this.#abort.signal,
        cache: "no-store",
        credentials: "omit",
        referrerPolicy: "no-referrer",
        // A redirect is never followed: it could carry the key to another origin.
        redirect: "manual",
      };
      const response = await fetch(url, { ...init, body: /** @type {Uint8Array<ArrayBuffer> | undefined} */ (body) });
      if (response.type === "opaqueredirect") throw new Failure("redirect", await redirectTarget(url, init));
      if (response.body) this.#pump(response.body.getReader());
      else this.#end();
      return JSON.stringify({ status: response.status, headers: Object.fromEntries(response.headers) });
    } catch (error) {
      const failure = await describeFailure(error, url);
      this.abort();
      return JSON.stringify({ failure });
    }
  }

  /** @param {ReadableStreamDefaultReader<Uint8Array>} reader */
  async #pump(reader) {
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (done || this.ended) break;
        this.#waiting.push(value);
        this.#size += value.length;
        // Who was called and has not come yet will find this as well.
        if (this.#waiting.length === 1) this.#listener?.();
        while (this.#size >= HIGH_WATER_BYTES && !this.ended) await this.#taken.wait();
      }
    } catch (error) {
      if (!this.ended)
        this.failure = JSON.stringify({ reason: navigator.onLine ? "broken" : "offline", detail: String(error) });
    } finally {
      this.#end();
    }
  }
}

/** A failure whose reason is known. */
class Failure extends Error {
  /** @param {string} reason @param {string} [detail] */
  constructor(reason, detail = "") {
    super(detail);
    this.reason = reason;
  }
}

/**
 * @param {string} json
 * @returns {Headers}
 */
function readHeaders(json) {
  const headers = new Headers();
  for (const [name, value] of Object.entries(JSON.parse(json))) {
    try {
      headers.set(name, value);
    } catch {
      // The name only: the value may be the key.
      throw new Failure("header", name);
    }
  }
  return headers;
}

/** So long it may take to learn where a redirect leads. */
const TARGET_WAIT_MS = 3000;

/**
 * Where a redirect leads, without its query, which may hold anything; "" where it cannot be known. `fetch` does not say
 * it, so the same address is asked once more, without a body, while somebody watches. The redirect is not followed then
 * either.
 * @param {string} url
 * @param {RequestInit} init
 * @returns {Promise<string>}
 */
function redirectTarget(url, init) {
  const { href, protocol, hostname } = new URL(url);
  const asked = href.split("#")[0];
  return new Promise((resolve) => {
    /** @param {string} target */
    const done = (target) => {
      clearTimeout(timer);
      chrome.webRequest.onBeforeRedirect.removeListener(watch);
      resolve(target);
    };
    /** @param {{url: string, redirectUrl: string, initiator?: string}} details */
    const watch = (details) => {
      if (details.url !== asked || details.initiator !== location.origin) return;
      const target = new URL(details.redirectUrl);
      done(`${target.origin}${target.pathname}`);
    };
    const timer = setTimeout(() => done(""), TARGET_WAIT_MS);
    try {
      chrome.webRequest.onBeforeRedirect.addListener(watch, { urls: [`${protocol}//${hostname}/*`] });
      fetch(url, init).catch(() => done(""));
    } catch {
      done("");
    }
  });
}

/**
 * Why there is no answer. Chrome says "Failed to fetch" for nearly everything, so it is found out by looking around.
 * `reason` is one of: aborted, header, redirect, offline, permission, broken, unreachable.
 * @param {unknown} error
 * @param {string} url
 * @returns {Promise<{reason: string, detail: string}>}
 */
async function describeFailure(error, url) {
  if (error instanceof Failure) return { reason: error.reason, detail: error.message };
  const detail = error instanceof Error ? error.message : "";
  if (error instanceof DOMException && error.name === "AbortError") return { reason: "aborted", detail };
  const { protocol, hostname } = new URL(url);
  const isHere = isLoopback(hostname);
  if (!navigator.onLine && !isHere) return { reason: "offline", detail };
  const granted = await chrome.permissions.contains({ origins: [`${protocol}//${hostname}/*`] }).catch(() => true);
  if (!granted) return { reason: "permission", detail };
  return { reason: isHere && (await isListening(url)) ? "broken" : "unreachable", detail };
}

/** A refused connection takes no time on this computer. */
const LISTENING_WAIT_MS = 2000;

/**
 * Whether a server on this computer takes connections: then it has broken one off, and another one may go well.
 * @param {string} url
 */
async function isListening(url) {
  const signal = AbortSignal.timeout(LISTENING_WAIT_MS);
  try {
    await fetch(new URL(url).origin, {
      method: "HEAD",
      credentials: "omit",
      cache: "no-store",
      redirect: "manual",
      signal,
    });
    return true;
  } catch {
    return signal.aborted;
  }
}
