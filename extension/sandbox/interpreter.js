/**
 * One conversation's Python: a sandboxed frame with a worker in it. Whatever goes wrong in there, removing the frame
 * ends it.
 */

import { originsOf } from "../shared/hosts.js";
import { cleanParts } from "../shared/run-parts.js";
import { fetchFiles } from "./files.js";

/** @import { RawRun, RunFailure } from "../shared/protocol.js" */

/** A start that takes longer has failed. */
const START_MS = 60_000;
/**
 * How often the frame is asked whether it is still there while code runs, and how many answers in a row may be missing.
 */
const PING_MS = 2_000;
const MISSED_PINGS = 3;
/** Of each text, whatever the sandbox sends. */
const MOST_OUTPUT = 40_000;

/**
 * @typedef {"timeout" | "stopped" | "memory" | "broken" | "restless" | "evicted" | "hosts"} End  Why an interpreter was
 *   ended.
 */

/** In place of a result that is no JSON. */
const UNREADABLE = {};

/** Why an interpreter did not start. */
class NotStarted extends Error {
  /** @param {RunFailure} failure */
  constructor(failure) {
    super(failure.code);
    this.failure = failure;
  }
}

export class Interpreter {
  /** @type {HTMLIFrameElement} */
  #frame = document.createElement("iframe");
  #port;
  #ready;
  #onEnd = () => {};
  /** @type {(message: any) => void} */
  #onMessage = () => {};
  /** @type {AbortController} */
  #over = new AbortController();
  #missed = 0;
  #started = false;
  /** What it may reach. @type {string[]} */
  hosts;
  /** How many runs wait or are under way. */
  pending = 0;
  /** What ran last; the next one waits for it. @type {Promise<unknown>} */
  #last = Promise.resolve();
  /** Once it is ended: why. @type {End | undefined} */
  ended;
  /** @type {RunFailure | undefined} */
  #failure;

  /**
   * @param {number} memoryLimit  In bytes.
   * @param {string[]} hosts  What it may reach, for good.
   */
  constructor(memoryLimit, hosts) {
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    this.hosts = hosts;
    this.#frame.setAttribute("sandbox", "allow-scripts");
    // Without the user's cookies: an opaque origin alone does not keep those from being sent that a site has marked for
    // use by others.
    this.#frame.setAttribute("credentialless", "");
    this.#frame.src = "sandbox.html";
    /** @type {Promise<void>} */
    const ready = new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new NotStarted({ code: "start_timeout" })), START_MS);
      this.#onMessage = ({ type, reason }) => {
        clearTimeout(timer);
        this.#started = type === "Ready";
        if (this.#started) resolve();
        else reject(new NotStarted({ code: "start_failed", reason: String(reason).slice(0, 200) }));
      };
      this.#over.signal.addEventListener("abort", () => clearTimeout(timer));
    });
    // An interpreter that could not start is an ended one.
    this.#ready = ready.catch((error) => this.end("broken", error.failure));
    port1.onmessage = ({ data }) => this.#onMessage(data ?? {});
    addEventListener("message", (event) => this.#hear(event), { signal: this.#over.signal });
    this.#frame.addEventListener("load", () => this.#load(port2, memoryLimit), { once: true });
    document.body.append(this.#frame);
  }

  /**
   * @param {MessagePort} port
   * @param {number} memoryLimit
   */
  async #load(port, memoryLimit) {
    try {
      const files = await fetchFiles();
      const buffers = Object.values(files.archives);
      const limits = { memory_limit: memoryLimit, hosts: this.hosts, origins: this.hosts.flatMap(originsOf) };
      // An opaque origin has no name by which it could be addressed. Nothing in these files is secret.
      this.#frame.contentWindow?.postMessage({ ...files, ...limits }, "*", [port, ...buffers]);
    } catch (error) {
      this.#onMessage({ type: "Broken", reason: error });
    }
  }

  /** @param {MessageEvent} event */
  #hear({ source, data }) {
    if (source !== this.#frame.contentWindow) return;
    if (data?.type === "Alive") this.#missed = 0;
    // Later it is the code's own failure, somewhere beside the run.
    else if (data?.type === "Failed" && !this.#started) {
      this.#onMessage({ type: "Broken", reason: "the worker could not be started" });
    }
  }

  /**
   * Runs code after what was asked for before.
   * @param {string} code
   * @param {number} timeLimit  In milliseconds; starting Python does not count.
   * @returns {Promise<RawRun | undefined>}  Undefined if a run before it has ended this interpreter.
   */
  run(code, timeLimit) {
    this.pending += 1;
    const run = this.#last.then(() => this.#run(code, timeLimit));
    this.#last = run.finally(() => {
      this.pending -= 1;
    });
    this.#last.catch(() => {});
    return run;
  }

  /** Resolves when nothing runs or waits here. */
  async idle() {
    while (this.pending > 0) await this.#last.catch(() => {});
  }

  /**
   * @param {string} code
   * @param {number} timeLimit
   * @returns {Promise<RawRun | undefined>}
   */
  async #run(code, timeLimit) {
    if (this.ended && this.ended !== "stopped") return undefined;
    const output = { stdout: "", stderr: "" };
    let begin = performance.now();
    /** @returns {RawRun} */
    const cutOff = () => ({
      ...output,
      ended: outcome(/** @type {End} */ (this.ended)),
      ...(this.#failure ? { failure: this.#failure } : {}),
      duration_ms: Math.round(performance.now() - begin),
      lost: true,
    });
    /** @type {Promise<RawRun>} */
    const ended = new Promise((resolve) => {
      this.#onEnd = () => resolve(cutOff());
    });
    await Promise.race([this.#ready, ended]);
    if (this.ended) return cutOff();
    begin = performance.now();
    const timer = setTimeout(() => this.end("timeout"), timeLimit);
    const pings = setInterval(() => this.#ping(), PING_MS);
    /** @type {Promise<RawRun>} */
    const finished = new Promise((resolve) => {
      this.#onMessage = (message) => {
        if (message.type === "Output") {
          const stream = message.stream === "stderr" ? "stderr" : "stdout";
          output[stream] = (output[stream] + message.text).slice(0, MOST_OUTPUT);
        } else if (message.type === "Done") {
          const result = { ...output, ...clean(message.result) };
          // What filled the memory is still there, and the next run would have none.
          const end = result.ended === "memory" ? "memory" : message.isQuiet === true ? undefined : "restless";
          if (end === "restless") result.failure = { code: "not_at_rest" };
          resolve(end ? { ...result, lost: true } : result);
          if (end) this.end(end);
        } else if (message.type === "Late") {
          // Of an earlier run, and this one is under way.
          this.end("restless", { code: "leftover" });
        } else {
          this.end("broken", { code: "crashed", reason: String(message.reason).slice(0, 1000) });
        }
      };
      this.#port.postMessage({ code });
    });
    try {
      return await Promise.race([finished, ended]);
    } finally {
      clearTimeout(timer);
      clearInterval(pings);
      this.#onEnd = () => {};
      // Between two runs nothing may happen in there.
      this.#onMessage = ({ type }) => this.end(type === "Late" ? "restless" : "broken");
    }
  }

  /** A frame whose process has crashed says nothing any more, and nothing says so. Memory is what processes die of. */
  #ping() {
    this.#missed += 1;
    if (this.#missed > MISSED_PINGS) this.end("memory");
    else this.#frame.contentWindow?.postMessage({ type: "Ping" }, "*");
  }

  /**
   * Removes the frame, and all that runs in it.
   * @param {End} reason
   * @param {RunFailure} [failure]  What the user is shown beside the reason.
   */
  end(reason, failure) {
    if (this.ended) return;
    this.ended = reason;
    this.#failure = failure;
    this.#over.abort();
    this.#port.close();
    this.#frame.remove();
    this.#onEnd();
  }
}

/**
 * @param {End} end
 * @returns {RawRun["ended"]}
 */
function outcome(end) {
  if (end === "timeout" || end === "memory") return end;
  return end === "broken" || end === "restless" ? "error" : "stopped";
}

/**
 * What Python says of a run, as far as it is what it should be: the code can say in its place whatever it likes.
 * @param {unknown} json
 * @returns {Omit<RawRun, "stdout" | "stderr">}
 */
function clean(json) {
  const raw = parse(json);
  /** @param {unknown} value */
  const text = (value) => (typeof value === "string" && value ? value.slice(0, MOST_OUTPUT) : undefined);
  const { figures, files } = cleanParts(raw);
  const value = text(raw?.value);
  const traceback = text(raw?.traceback);
  return {
    ended: raw?.ended === "ok" || raw?.ended === "memory" ? raw.ended : "error",
    run: Number(raw?.run) || 0,
    duration_ms: Number(raw?.duration_ms) || 0,
    ...(value === undefined ? {} : { value }),
    ...(traceback === undefined ? {} : { traceback }),
    ...(raw === UNREADABLE ? { failure: { code: "unreadable" } } : {}),
    ...(figures ? { figures } : {}),
    ...(files ? { files } : {}),
  };
}

/** @param {unknown} json @returns {any} */
function parse(json) {
  try {
    return JSON.parse(String(json));
  } catch {
    return UNREADABLE;
  }
}
