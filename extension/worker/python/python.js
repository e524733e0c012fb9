/** Python's life in this worker: started when it is needed, started again when it failed or died. */

import { logError } from "../../shared/log.js";
import { awakeDuring, holdAwake } from "../keep-alive.js";
import { boot } from "./boot.js";
import { abortAll } from "./bridge.js";
import { forgetSnapshots } from "./snapshot.js";

/** @import { Host } from "./host.js" */
/** @import { Python } from "./boot.js" */

/** @typedef {{state: "starting" | "ready" | "failed", message: string}} BootState */

const STARTING = "Starting Python...";
/** How often a dead interpreter is replaced unasked. A cause that lasts must not keep the machine busy for ever. */
const MAX_REVIVALS = 3;

/** Starts Python once and keeps it running. */
export class PythonSupervisor {
  /** @type {Promise<Python> | undefined} */
  #python;
  /** @type {BootState} */
  #state = { state: "starting", message: STARTING };
  #revivals = 0;
  #cut = () => {};
  /** @type {(() => void) | undefined} */
  #release;
  #host;
  #onState;
  #onDeath;

  /**
   * @param {Host} host  What Python may call.
   * @param {(state: BootState) => void} onState  Told of each change.
   * @param {() => void} onDeath  Told when an interpreter is gone, with all that was under way in it.
   */
  constructor(host, onState, onDeath) {
    this.#host = host;
    this.#onState = onState;
    this.#onDeath = onDeath;
  }

  /** How far it is. */
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
   * Give a message to a Python that runs or is starting. Where there is none, nobody needs to know.
   * @param {Record<string, unknown>} message
   */
  async tell(message) {
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

  /** Give the running Python up, with all that it works on: nothing of that is heard of, stored or sent any more. */
  async discard() {
    const python = await this.#python?.catch(() => undefined);
    this.#cut();
    if (!python) return;
    python.release();
    await this.#clear();
    this.#python = undefined;
    this.#setState({ state: "starting", message: STARTING });
  }

  async #boot() {
    this.#setState({ state: "starting", message: STARTING });
    try {
      const { host, cut } = onALeash(this.#host);
      this.#cut = cut;
      const python = await boot(host);
      this.#setState({ state: "ready", message: "" });
      python.died.then((reason) => this.#buried(python, reason));
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
  async #buried(python, reason) {
    if ((await this.#python?.catch(() => {})) !== python) return; // given up before
    logError("Python died:", reason);
    python.release();
    await this.#clear();
    this.#python = undefined;
    if (this.#revivals >= MAX_REVIVALS) {
      this.#setState({
        state: "failed",
        message: "Python stopped again and again. Restart it to go on; nothing that had arrived is lost.",
      });
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
 * The host of one Python. An interpreter cannot be ended, so one that was given up may go on for a while: behind the
 * cut it reaches nothing, and waits for ever for the answer.
 * @param {Host} host
 * @returns {{host: Host, cut: () => void}}
 */
function onALeash(host) {
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
  if (/memory/i.test(`${detail}`))
    return "Python could not start: there is not enough memory. Close some tabs, then restart it.";
  return `Python could not start (${detail}). Restart it; if that does not help, install the extension again.`;
}
