import assert from "node:assert/strict";
import { test } from "node:test";
import { PendingCommands } from "../../extension/sidepanel/worker-link/pending-commands.js";

/** @import {PanelCommand, Turn} from "../../extension/shared/protocol.js" */

/** @type {PanelCommand} */
const REGENERATE = { type: "Regenerate", id: "n", turn: "t" };
/** @type {PanelCommand} */
const SHOW = { type: "ShowBranch", turn: "u" };
/** @type {PanelCommand} */
const CONFIGURE = { type: "Configure", settings: { model: "m", effort: "low" } };
/** @type {PanelCommand} */
const RETRY = { type: "Retry", id: "t" };

/** @param {...PanelCommand} commands */
function asked(...commands) {
  const pending = new PendingCommands();
  for (const command of commands) pending.add(command);
  return pending;
}

/**
 * @param {string} id
 * @returns {Turn}
 */
const turn = (id) => ({ id, user: "", created_at: 1, status: "running", blocks: [] });

test("what was not answered is asked again, but for what could begin a second turn", () => {
  const pending = asked(REGENERATE, SHOW, CONFIGURE, RETRY);
  assert.deepEqual(pending.again, [REGENERATE, SHOW, CONFIGURE]);
  assert.equal(pending.size, 4);
});

test("the turn that was asked for is the answer, any turn that of a retry", () => {
  const pending = asked(REGENERATE, SHOW, RETRY);
  pending.turnsCame([turn("t")]);
  assert.deepEqual(pending.again, [REGENERATE, SHOW]);
  assert.equal(pending.size, 2);
  assert.equal(pending.seeksVersion, true);
  pending.turnsCame([turn("n"), turn("u")]);
  assert.equal(pending.size, 0);
  assert.equal(pending.seeksVersion, false);
});

test("settings are answered by the same settings, in whatever order", () => {
  const pending = asked(CONFIGURE);
  assert.equal(pending.settingsCame({ model: "m" }), false);
  assert.equal(pending.settingsCame({ effort: "low", model: "m" }), true);
  assert.equal(pending.size, 0);
  assert.equal(pending.settingsCame({ effort: "low", model: "m" }), false);
});

test("a rejection with an id is that command's, one without could be anyone's", () => {
  const pending = asked(REGENERATE, SHOW);
  pending.rejected("other");
  assert.equal(pending.size, 2);
  pending.rejected("n");
  assert.deepEqual(pending.again, [SHOW]);
  pending.rejected();
  assert.equal(pending.size, 0);
});
