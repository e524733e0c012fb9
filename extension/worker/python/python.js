/** Python's life in this worker: started when it is needed, started again when it failed or died. */

import { logError } from "../../shared/log.js";
import { text } from "../../shared/text.js";
import { awakeDuring, holdAwake } from "../keep-alive.js";
import { boot } from "./boot.js";
import { abortAll } from "./bridge.js";
import { forgetSnapshots } from "./snapshot.js";

/** @import { Host } from "./host.js" */
/** @import { Python } from "./boot.js" */

/** @typedef {{state: "starting" | "ready" | "failed", message: string}} BootState */

/** How often a dead interpreter is replaced unasked. A cause that lasts must not keep the machine busy for ever. */
const MAX_REVIVALS = 3;

/** @returns {BootState} */
const starting = () => ({ state: "starting", message: text("boot_starting") });

/** Starts Python once and keeps it running. */
export class PythonSupervisor {
  /** @type {Promise<Python> | undefined} */
  #python;
  /** @type {BootState} */
  #state = starting();
  #revivals = 0;
  #cut = () => {};
  /** @type {(() => void) | undefined} */
  #release;
  #host;
  #onState;
  #onDeath;

  /**
   * @param {Host} host  What Python may call.
   * @param {(state: BootState) => void} onState  Called on each change.
   * @param {() => void} onDeath  Called when an interpreter is gone, with everything that was under way in it.
   */
  constructor(host, onState, onDeath) {
    this.#host = host;
    this.#onState = onState;
    this.#onDeath = onDeath;
  }

  /** Whether Python is starting, ready or failed. */
  get state() {
    return this.#state;
  }

  /**
   * The running Python, booted if there is none. Rejects when booting fails; the next call tries again.
   * @returns {Promise<Python>}
   */
  ensure() {
    this.#python ??= awakeDuring(this.#boot());
    return this.#python;
  }

  /** Boot again after a failure; does nothing to a Python that runs or is starting. */
  async restart() {
    this.#revivals = 0;
    await this.ensure();
  }

  /**
   * Give Python a message, in the order of the calls, after booting it if need be.
   * @param {Record<string, unknown>} message
   */
  async send(message) {
    const python = await this.ensure();
    try {
      python.receive(JSON.stringify(message));
    } catch (error) {
      // An exception of Python's own is a fault of ours; a fatal one has been seen by `died` as well.
      logError("Python could not take a message:", error);
      throw error;
    }
  }

  /**
   * Send a message to a Python that runs or is starting. Where there is none, the message is not needed.
   * @param {Record<string, unknown>} message
   */
  async sendIfRunning(message) {
    if (this.#python) await this.send(message);
  }

  /**
   * Whether Python has work that must not be cut off by Chrome.
   * @param {boolean} busy
   */
  setBusy(busy) {
    if (busy) this.#release ??= holdAwake();
    else this.#letGo();
  }

  #letGo() {
    this.#release?.();
    this.#release = undefined;
  }

  /** Discards the running Python: nothing that it was working on is reported, stored or sent from here on. */
  async discard() {
    const python = await this.#python?.catch(() => undefined);
    this.#cut();
    if (!python) return;
    python.release();
    await this.#clear();
    this.#python = undefined;
    this.#setState(starting());
  }

  async #boot() {
    this.#setState(starting());
    try {
      const { host, cut } = detachable(this.#host);
      this.#cut = cut;
      const python = await boot(host);
      this.#setState({ state: "ready", message: "" });
      python.died.then((reason) => this.#onDied(python, reason));
      return python;
    } catch (error) {
      logError("Python did not start:", error);
      await this.#clear();
      this.#python = undefined;
      this.#setState({ state: "failed", message: bootMessage(error) });
      throw error;
    }
  }

  /** @param {Python} python @param {unknown} reason */
  async #onDied(python, reason) {
    if ((await this.#python?.catch(() => {})) !== python) return; // discarded before
    logError("Python died:", reason);
    python.release();
    await this.#clear();
    this.#python = undefined;
    if (this.#revivals >= MAX_REVIVALS) {
      this.#setState({ state: "failed", message: text("boot_keeps_stopping") });
      return;
    }
    this.#revivals += 1;
    this.ensure().catch(() => {});
  }

  /** Nothing of a Python that failed is used again, not even the snapshot that it may have come from. */
  async #clear() {
    abortAll();
    this.#letGo();
    this.#onDeath();
    await forgetSnapshots().catch(() => {});
  }

  /** @param {BootState} state */
  #setState(state) {
    if (state.state === this.#state.state && state.message === this.#state.message) return;
    this.#state = state;
    this.#onState(state);
  }
}

/**
 * The host of one Python. An interpreter cannot be ended, so a discarded one may continue for a while. After the cut
 * its calls reach nothing, and wait forever for an answer.
 * @param {Host} host
 * @returns {{host: Host, cut: () => void}}
 */
function detachable(host) {
  let isCut = false;
  const never = new Promise(() => {});
  const calls = Object.entries(host).map(([name, call]) => {
    const held = (/** @type {any[]} */ ...args) => (isCut ? never : /** @type {any} */ (call)(...args));
    return [name, held];
  });
  return {
    host: Object.fromEntries(calls),
    cut: () => {
      isCut = true;
    },
  };
}

/** @param {unknown} error */
function bootMessage(error) {
  // Emscripten's ExitStatus has a message, but is no Error.
  const { message = String(error) } = /** @type {{message?: string}} */ (error ?? {});
  const detail = message.trim().split("\n").at(-1);
  if (/memory/i.test(`${detail}`)) return text("boot_out_of_memory");
  return text("boot_not_started", detail ?? "");
}
