/** What the sandbox reports by codes, as texts for the user. The model reads those about a run of code, too. */

import { text } from "../shared/text.js";

/** @import { Diagram, DiagramFailure, PythonRun, RawDiagram, RawRun, RunFailure } from "../shared/protocol.js" */
/** @import { MessageKey } from "../shared/text.js" */

/** @type {Record<RunFailure["code"], MessageKey>} */
const RUN_FAILURES = {
  start_timeout: "run_start_timeout",
  start_failed: "run_start_failed",
  crashed: "run_crashed",
  not_at_rest: "run_not_at_rest",
  leftover: "run_not_at_rest",
  host_removed: "run_host_removed",
  unreadable: "run_unreadable",
};

/** @type {Record<DiagramFailure, MessageKey>} */
const DIAGRAM_FAILURES = {
  failed: "diagram_failed",
  not_started: "diagram_not_started",
  timeout: "diagram_timeout",
  too_large: "diagram_too_large",
  not_showable: "diagram_not_showable",
};

/**
 * @param {RawRun} raw
 * @returns {PythonRun}
 */
export function withRunText({ failure, ...run }) {
  if (!failure) return run;
  const { code, reason = "" } = failure;
  const message = text(RUN_FAILURES[code], reason);
  // Such a run has ended as it should, with a result and perhaps a traceback of its own.
  if (code === "not_at_rest") return { ...run, stderr: `${run.stderr}${message}\n` };
  return { ...run, traceback: message };
}

/**
 * @param {RawDiagram} raw
 * @returns {Diagram}
 */
export function withDiagramText(raw) {
  if (!("failure" in raw)) return raw;
  const { failure, ...more } = raw;
  return { error: text(DIAGRAM_FAILURES[failure]), ...more };
}
