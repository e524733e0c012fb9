/** The panel's reducer against the cases that the worker's (`session/turn_reducer.py`) is tested with as well. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { applyEvent } from "../../extension/shared/turn.js";

const cases = JSON.parse(readFileSync(new URL("../fixtures/conversation.json", import.meta.url), "utf8"));

for (const { name, events, blocks, status, notice, notices, finish_reason, usage } of cases) {
  test(name, () => {
    /** @type {import("../../extension/shared/protocol.js").Turn} */
    const turn = { id: "t", user: "?", created_at: 0, status: "running", blocks: [] };
    for (const event of events) applyEvent(turn, event);
    // A block may know more than the case says, such as the id that it got late.
    assert.equal(turn.blocks.length, blocks.length);
    blocks.forEach((/** @type {object} */ block, /** @type {number} */ index) => {
      for (const [field, value] of Object.entries(block))
        assert.deepEqual(/** @type {any} */ (turn.blocks[index])?.[field], value, field);
    });
    if (status) assert.equal(turn.status, status);
    assert.equal(turn.notice, notice);
    assert.deepEqual(turn.notices, notices);
    assert.equal(turn.finish_reason, finish_reason);
    for (const [field, value] of Object.entries(usage ?? {})) assert.equal(turn.usage?.[field], value);
  });
}
