import assert from "node:assert/strict";
import test from "node:test";
import { newRoot, outline } from "./panel-dom.js";

const { build } = await import("../../extension/sidepanel/tools/artifacts.js");

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
