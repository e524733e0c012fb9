import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

/** @import {Draft} from "../../extension/shared/storage/drafts.js" */

const { Edits } = await import("../../extension/sidepanel/conversation/edits.js");

/** @type {InstanceType<typeof Edits>} */
let edits;
beforeEach(() => {
  edits = newEdits();
});

/** Edits in a draft that nobody keeps. */
function newEdits() {
  const drafts = {
    current: /** @type {Draft} */ ({ text: "", attachments: [], edits: {}, sending: [] }),
    /** @param {Partial<Draft>} change */
    change(change) {
      drafts.current = { ...drafts.current, ...change };
    },
  };
  return new Edits(drafts);
}

test("an edit is a part of the draft until it is dropped", () => {
  edits.write("t", "Half a");
  edits.write("t", "Half a sentence");
  assert.equal(edits.get("t")?.text, "Half a sentence");
  edits.drop("t");
  assert.equal(edits.get("t"), undefined);
});

test("an edit is sent again with the same id until the worker has it", () => {
  const message = { id: "n", text: "Whole", conversation: "c" };
  edits.send("t", message);
  assert.deepEqual(edits.unconfirmed, [{ replaces: "t", ...message }]);
  edits.confirm("n");
  assert.deepEqual([edits.unconfirmed, edits.get("t")], [[], undefined]);
});

test("a rejected edit, and one whose conversation is not shown any more, keep their text", () => {
  edits.send("t", { id: "n", text: "One", conversation: "c" });
  edits.send("u", { id: "m", text: "Two", conversation: "c" });
  assert.equal(edits.reject("n"), true);
  assert.equal(edits.reject("other"), false);
  assert.deepEqual(
    edits.unconfirmed.map(({ id }) => id),
    ["m"],
  );
  edits.leave();
  assert.deepEqual(edits.unconfirmed, []);
  assert.deepEqual([edits.get("t")?.text, edits.get("u")?.text], ["One", "Two"]);
});
