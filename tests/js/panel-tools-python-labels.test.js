import assert from "node:assert/strict";
import test from "node:test";
import "./panel-dom.js";

const { runTitle } = await import("../../extension/sidepanel/tools/python-labels.js");

/** @import {PythonRun} from "../../extension/shared/protocol.js" */

/** @param {Partial<PythonRun>} run */
const title = (run) => runTitle({ ended: "ok", stdout: "", stderr: "", duration_ms: 12, run: 2, ...run });

test("a title shows how the run ended, and whether variables are kept", () => {
  assert.equal(title({ value: "1" }), "Done in 12ms");
  assert.equal(title({}), "Done in 12ms, no output");
  assert.equal(title({ value: "1", run: 1 }), "Done in 12ms · new Python");
  assert.equal(title({ ended: "error", traceback: "E" }), "Failed after 12ms");
  assert.match(
    title({ ended: "timeout", duration_ms: 60_000, lost: true }),
    /Time limit.* 60\.0s\..* variables are gone/,
  );
  assert.match(title({ ended: "memory", lost: true }), /memory.* variables are gone/);
  assert.match(title({ ended: "stopped", lost: true }), /^Stopped/);
  assert.match(title({ value: "1", run: 1, evicted: true }), /save memory/);
  assert.match(title({ value: "1", run: 1, new_hosts: true }), /hosts .* have changed, .* were gone/);
});
