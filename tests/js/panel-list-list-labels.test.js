import assert from "node:assert/strict";
import { test } from "node:test";
import { storageText } from "../../extension/sidepanel/list/list-labels.js";

test("the size of what is stored is given in megabytes", () => {
  const use = { used_bytes: 34_900_000, quota_bytes: 1e9, conversations: 1002, snapshot_bytes: 31_460_000 };
  assert.equal(storageText(use), "1,002 conversations · 34.9 MB on disk, 31.5 MB of it for a faster start");
  assert.equal(storageText({ ...use, conversations: 1, snapshot_bytes: 0 }), "1 conversation · 34.9 MB on disk");
});
