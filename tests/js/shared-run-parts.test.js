import assert from "node:assert/strict";
import { test } from "node:test";
import { cleanParts } from "../../extension/shared/run-parts.js";

test("what is no figure and no file is left out", () => {
  assert.deepEqual(cleanParts(undefined), {});
  assert.deepEqual(cleanParts({ figures: "x", files: {} }), {});
  const figures = [null, 7, { type: "svg" }, { type: "png", base64: 1 }, { type: "script", text: "x" }];
  assert.deepEqual(cleanParts({ figures, files: [null, { name: 1, size: 1 }, { name: "a", size: "1" }] }), {});
});

test("what is one is kept as it is", () => {
  const parts = {
    figures: [
      { type: "svg", text: "<svg/>" },
      { type: "png", base64: "AA==" },
      { type: "html", text: "x", nodes: ["a", ["td", { colspan: 2 }, ["b"]]] },
    ],
    files: [{ name: "a.txt", size: 1, base64: "AA==" }],
  };
  assert.deepEqual(cleanParts({ ...parts, more: 1 }), parts);
});

test("what is made up stays within bounds", () => {
  const huge = "x".repeat(2_000_000);
  const figures = [
    { type: "svg", text: huge },
    { type: "png", base64: huge },
    { type: "html", text: huge, nodes: [] },
  ];
  assert.deepEqual(cleanParts({ figures }), {});
  const many = Array.from({ length: 100 }, () => ({ type: "svg", text: "" }));
  assert.equal(cleanParts({ figures: many }).figures?.length, 8);
  /** @type {any[]} */
  let deep = [];
  for (let level = 0; level < 5_000; level += 1) deep = [["b", {}, deep]];
  const wide = Array.from({ length: 50_000 }, () => ["p", {}, ["x"]]);
  const html = [deep, wide].map((nodes) => ({ type: "html", text: "", nodes }));
  const [{ nodes: shallow }, { nodes: few }] = /** @type {any[]} */ (cleanParts({ figures: html }).figures);
  assert.ok(JSON.stringify(shallow).length < 500);
  assert.ok(few.length <= 10_000);
  const files = [1, 2, 3].map((number) => ({ name: `${number}`, size: 1, base64: huge }));
  const kept = cleanParts({ files }).files?.filter(({ base64 }) => base64);
  assert.equal(kept?.length, 1);
});

test("the name of a file looks like what it is", () => {
  const [{ name }] = cleanParts({ files: [{ name: "report\u202efdp.exe\n\u0007", size: 1 }] }).files ?? [];
  assert.equal(name, "reportfdp.exe");
});
