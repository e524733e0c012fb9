/**
 * The "Run" button on Python code, and what the code gives, below it. The code runs in the sandbox; what comes out of
 * that is untrusted.
 */

import { text as message } from "../../shared/text.js";
import { el } from "../../ui/dom.js";
import { GrowingText } from "../../ui/growing-text.js";
import { ask } from "../worker-link/ask.js";
import { artifactViews } from "./artifacts.js";
import { runTitle } from "./python-labels.js";

/** @import { PythonRun } from "../../shared/protocol.js" */
/** @import { Request } from "../../shared/requests.js" */

const PYTHON = /^(?:python|py)[\d.]*$/i;

/** So many outputs outlive the drawing of their answer. */
const MOST_KEPT = 50;
/** By conversation and code: an answer that is drawn anew gets its output back. @type {Map<string, CodeRun>} */
const kept = new Map();
/**
 * By conversation: what ran there when this panel first drew code of it, started by a panel that is gone, or by another
 * one.
 * @type {Map<string, Promise<string[]>>}
 */
const running = new Map();
/** By code block. @type {WeakMap<Element, CodeRun>} */
const offered = new WeakMap();

/**
 * Gives a finished block of Python code its button, and another one when the code has become another.
 * @param {HTMLElement} code
 */
export function offerRun(code) {
  const block = code.closest(".code");
  if (!block || !PYTHON.test(code.dataset.language ?? "")) return;
  const conversation = code.closest("[data-conversation]")?.getAttribute("data-conversation");
  const text = code.textContent ?? "";
  const last = offered.get(block);
  if (last?.isOf(text)) return;
  // What runs is what is shown.
  last?.detach();
  if (!conversation || !text.trim()) return;
  const key = `${conversation}\n${text}`;
  let run = kept.get(key);
  // The same code may stand in the conversation twice.
  if (!run || run.isShown) run = new CodeRun(conversation, text, (done) => keep(key, done));
  run.attach(/** @type {HTMLElement} */ (block));
  offered.set(block, run);
  join(conversation, text, run);
}

/**
 * Code that runs already shows so, and can be stopped.
 * @param {string} conversation
 * @param {string} text
 * @param {CodeRun} run
 */
async function join(conversation, text, run) {
  if (!running.has(conversation)) {
    const asked = ask({ type: "RunningPython", conversation }).then(({ codes = [] }) => codes);
    // Without an answer nothing is known to run.
    running.set(
      conversation,
      asked.catch(() => []),
    );
  }
  const codes = (await running.get(conversation)) ?? [];
  const at = codes.indexOf(text);
  // The same code may stand there twice, and ran once.
  if (at >= 0) run.join(codes.splice(at, 1)[0]);
}

/**
 * @param {string} key
 * @param {CodeRun} run
 */
function keep(key, run) {
  kept.delete(key);
  kept.set(key, run);
  for (const oldest of kept.keys()) {
    if (kept.size <= MOST_KEPT) break;
    kept.delete(oldest);
  }
}

class CodeRun {
  #conversation;
  #code;
  #onRun;
  #running = false;
  #button = el(
    "button",
    { type: "button", class: "quiet run-code", onclick: () => this.#press() },
    message("code_run_run"),
  );
  #title = el("p", { class: "run-title", "aria-live": "polite" });
  #parts = el("div", { class: "run-parts" });
  #output = el(
    "div",
    { class: "run-output", role: "group", "aria-label": message("tool_output"), hidden: true },
    this.#title,
    this.#parts,
  );

  /**
   * @param {string} conversation
   * @param {string} code
   * @param {(run: CodeRun) => void} onRun
   */
  constructor(conversation, code, onRun) {
    this.#conversation = conversation;
    this.#code = code;
    this.#onRun = onRun;
    this.#button.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !this.#running) return;
      event.preventDefault();
      this.#stop();
    });
  }

  get isShown() {
    return this.#button.isConnected;
  }

  /** @param {HTMLElement} block */
  attach(block) {
    block.querySelector(".code-head button")?.before(this.#button);
    block.append(this.#output);
  }

  detach() {
    this.#button.remove();
    this.#output.remove();
  }

  /** @param {string} code */
  isOf(code) {
    return this.#code === code && this.isShown;
  }

  #press() {
    if (this.#running) this.#stop();
    else this.#run({ type: "RunPython", conversation: this.#conversation, code: this.#code });
  }

  #stop() {
    this.#title.textContent = message("code_run_stopping");
    ask({ type: "StopPython", conversation: this.#conversation }).catch((error) => this.#fail(error));
  }

  /** Waits for the code, which runs already. @param {string} code */
  join(code) {
    if (!this.#running) this.#run({ type: "JoinPython", conversation: this.#conversation, code });
  }

  /** @param {Request<"RunPython" | "JoinPython">} request */
  async #run(request) {
    this.#running = true;
    this.#onRun(this);
    this.#button.textContent = message("common_stop");
    this.#button.setAttribute("aria-label", message("code_run_stop_code"));
    this.#output.hidden = false;
    this.#output.className = "run-output running";
    this.#title.textContent = message("code_run_running");
    if (request.type === "RunPython") this.#title.scrollIntoView({ block: "nearest" });
    try {
      const { run } = await ask(request);
      if (run) this.#show(run);
      else this.#fail(undefined);
    } catch (error) {
      this.#fail(error);
    }
    this.#running = false;
    this.#button.textContent = message("code_run_run_again");
    this.#button.removeAttribute("aria-label");
  }

  /** @param {unknown} error */
  #fail(error) {
    this.#output.className = "run-output failed";
    // A worker that was ended takes the way back along.
    const text = error instanceof Error && !error.message.includes("message channel") ? error.message : "";
    this.#title.textContent = text || message("code_run_no_result");
    this.#parts.replaceChildren();
  }

  /** @param {PythonRun} run */
  #show(run) {
    this.#output.className = `run-output ${run.ended === "ok" || run.ended === "stopped" ? "" : "failed"}`;
    this.#title.textContent = runTitle(run);
    const { stdout, value, traceback, stderr, figures = [], files = [] } = run;
    const parts = [
      text("stdout", message("code_run_printed"), stdout),
      ...artifactViews({ figures }),
      text("value", message("code_run_value"), value),
      text("stderr", message("code_run_stderr"), stderr),
      text("traceback", message("code_run_error"), traceback),
      ...artifactViews({ files }),
    ];
    this.#parts.replaceChildren(...parts.filter((part) => part !== null));
  }
}

/**
 * @param {string} kind
 * @param {string} label
 * @param {string | undefined} content
 */
function text(kind, label, content) {
  if (!content) return null;
  const pre = el("pre", { class: `run-${kind}`, role: "group", "aria-label": label, tabindex: "0" });
  new GrowingText(pre).update(content);
  return pre;
}
