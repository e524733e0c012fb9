/** How a run of Python code is described in the panel. */

import { text } from "../../shared/text.js";
import { durationText } from "../formats.js";

/** @import { PythonRun } from "../../shared/protocol.js" */
/** @import { MessageKey } from "../../shared/text.js" */

/**
 * @param {PythonRun} run
 * @returns {string}
 */
export function runTitle({ ended, duration_ms, run, lost, evicted, new_hosts, ...given }) {
  const time = durationText(duration_ms);
  const isSilent = !given.stdout && !given.value && !given.stderr && !given.traceback && !given.figures && !given.files;
  const title = text(ended === "ok" && isSilent ? "code_run_done_silent" : ENDINGS[ended], time);
  if (lost) return text("code_run_title_and_note", title, text("code_run_lost"));
  if (evicted) return text("code_run_title_and_note", title, text("code_run_evicted"));
  if (new_hosts) return text("code_run_title_and_note", title, text("code_run_new_hosts"));
  return run === 1 ? text("code_run_title_new", title) : title;
}

/** @type {Record<PythonRun["ended"], MessageKey>} */
const ENDINGS = {
  ok: "code_run_done",
  error: "code_run_failed",
  timeout: "code_run_timeout",
  memory: "code_run_memory",
  stopped: "code_run_stopped",
};
