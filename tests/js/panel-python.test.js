/** What Python code gave, in words and as nodes. */

import assert from "node:assert/strict";
import test from "node:test";
import { newRoot, outline } from "./panel-dom.js";

const { build } = await import("../../extension/sidepanel/tools/artifacts.js");
const { durationText, fileSize } = await import("../../extension/sidepanel/formats.js");
const { runTitle } = await import("../../extension/sidepanel/tools/python-labels.js");

/** @import { PythonRun } from "../../extension/shared/protocol.js" */

/** @param {Partial<PythonRun>} run */
const title = (run) => runTitle({ ended: "ok", stdout: "", stderr: "", duration_ms: 12, run: 2, ...run });

test("a title says how it went, and what became of the variables", () => {
  assert.equal(title({ value: "1" }), "Done in 12 ms");
  assert.equal(title({}), "Done in 12 ms, nothing was printed");
  assert.equal(title({ value: "1", run: 1 }), "Done in 12 ms · new Python");
  assert.equal(title({ ended: "error", traceback: "E" }), "Failed after 12 ms");
  assert.match(
    title({ ended: "timeout", duration_ms: 60_000, lost: true }),
    /time limit.* 60\.0 s\..* variables are gone/,
  );
  assert.match(title({ ended: "memory", lost: true }), /memory.* variables are gone/);
  assert.match(title({ ended: "stopped", lost: true }), /^Stopped/);
  assert.match(title({ value: "1", run: 1, evicted: true }), /save memory/);
  assert.match(title({ value: "1", run: 1, new_hosts: true }), /hosts .* have changed: .* were gone/);
});

test("times and sizes", () => {
  assert.equal(durationText(0.4), "less than 1 ms");
  assert.equal(durationText(999), "999 ms");
  assert.equal(durationText(1234), "1.2 s");
  assert.equal(fileSize(999), "999 B");
  assert.equal(fileSize(1_500), "1.5 kB");
  assert.equal(fileSize(2_000_000), "2.0 MB");
});

test("nodes of a result: known elements, and of others what is inside", () => {
  const root = newRoot();
  root.append(
    ...build([
      ["table", {}, [["tr", {}, [["td", { colspan: 2, onclick: "evil()" }, ["a <b>"]]]]]],
      ["script", {}, ["text"]],
      ["iframe", { src: "https://evil.example/" }, [["b", {}, ["bold"]]]],
    ]),
  );
  assert.equal(outline(root), '<div><table><tr><td colspan="2">a &lt;b></td></tr></table>text<b>bold</b></div>');
});
