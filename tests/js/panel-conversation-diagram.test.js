import assert from "node:assert/strict";
import { test } from "node:test";
import "./panel-dom.js";

const { csvField } = await import("../../extension/ui/tables.js");
const { describe } = await import("../../extension/sidepanel/conversation/diagram.js");

test("what a spreadsheet takes for a formula is text: kirodotdev/KiroCrew#10589", () => {
  for (const text of ["=WEBSERVICE(1)", "@SUM(A1)", "+cmd|calc", "-2+3", "=1+1", "-x", "\tx", "- a point"]) {
    assert.ok(csvField(text).replace(/^"/, "").startsWith("'"), text);
  }
});

test("numbers stay numbers: kirodotdev/KiroCrew#10589", () => {
  for (const text of ["-0.57", "+3%", "-5 %", "-1,234.50", "-12 €", "+49 30 1234", "-3e-7", "-5 kg", "1=2"]) {
    assert.equal(csvField(text).replaceAll('"', ""), text);
  }
});

test("a diagram is described by its own description, else by its kind", () => {
  assert.equal(describe("flowchart LR\n A-->B"), "Diagram (flowchart)");
  assert.equal(describe("---\nconfig:\n  theme: dark\n---\n%% note\npie title Pets\n"), "Diagram (pie)");
  assert.equal(describe("gantt\n  title A plan\n"), "Diagram (gantt): A plan");
  assert.equal(
    describe("%%{init: {}}%%\nsequenceDiagram\naccTitle: Who speaks\n"),
    "Diagram (sequenceDiagram): Who speaks",
  );
  assert.equal(describe(""), "Diagram");
});
