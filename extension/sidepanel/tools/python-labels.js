/** How a run of Python code is described in the panel. */

import { durationText } from "../formats.js";

/** @import { PythonRun } from "../../shared/protocol.js" */

/**
 * @param {PythonRun} run
 * @returns {string}
 */
export function runTitle({ ended, duration_ms, run, lost, evicted, new_hosts, ...given }) {
  const time = durationText(duration_ms);
  const parts = [ENDINGS[ended](time)];
  const isSilent = !given.stdout && !given.value && !given.stderr && !given.traceback && !given.figures && !given.files;
  if (ended === "ok" && isSilent) parts.push("nothing was printed");
  let text = parts.join(", ");
  if (lost) text += ". Python was ended, and this conversation's variables are gone.";
  else if (evicted) text += ". Python had been ended to save memory: the variables of earlier runs were gone.";
  else if (new_hosts)
    text += ". The hosts that Python may reach have changed: the variables of earlier runs were gone.";
  else if (run === 1) text += " · new Python";
  return text;
}

const ENDINGS = /** @type {Record<PythonRun["ended"], (time: string) => string>} */ ({
  ok: (time) => `Done in ${time}`,
  error: (time) => `Failed after ${time}`,
  timeout: (time) => `The time limit was over after ${time}`,
  memory: (time) => `All memory that code may have was used up after ${time}`,
  stopped: (time) => `Stopped after ${time}`,
});
