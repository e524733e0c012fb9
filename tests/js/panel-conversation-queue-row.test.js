import assert from "node:assert/strict";
import { test } from "node:test";
import { newTurn, show } from "./turn-for-readers.js";

/** @import {Block} from "../../extension/shared/protocol.js" */

const { waitingText } = await import("../../extension/sidepanel/conversation/turn-labels.js");

const CALL = /** @type {Block} */ ({ kind: "tool", text: "{}", name: "look_up", call_id: "c", open: false });

test("an answer that was queued again after it had begun shows when it continues", () => {
  const waiting = /** @type {const} */ ({ reason: "rate_limit", until: 125_000 });
  assert.equal(waitingText(waiting, 0), "Rate limited. Sending in 2:05");
  assert.equal(waitingText(waiting, 0, true), "Rate limited. Continuing in 2:05");
  const blocks = [{ ...CALL, output: "4" }];
  const { page } = show(
    newTurn({ status: "queued", waiting: { reason: "rate_limit", until: Date.now() + 900 }, blocks }),
  );
  assert.match(page.textContent, /Rate limited\. Continuing in 0:01/);
  assert.ok(page.find("button", "Send now"));
});
