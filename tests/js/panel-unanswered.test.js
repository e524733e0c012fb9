import assert from "node:assert/strict";
import { test } from "node:test";
import { Unanswered } from "../../extension/sidepanel/worker-link/pending-commands.js";

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
  const unanswered = new Unanswered();
  for (const command of commands) unanswered.add(command);
  return unanswered;
}

/**
 * @param {string} id
 * @returns {Turn}
 */
const turn = (id) => ({ id, user: "", created_at: 1, status: "running", blocks: [] });

test("what was not answered is asked again, but for what could begin a second turn", () => {
  const unanswered = asked(REGENERATE, SHOW, CONFIGURE, RETRY);
  assert.deepEqual(unanswered.again, [REGENERATE, SHOW, CONFIGURE]);
  assert.equal(unanswered.size, 4);
});

test("the turn that was asked for is the answer, any turn that of a retry", () => {
  const unanswered = asked(REGENERATE, SHOW, RETRY);
  unanswered.turnsCame([turn("t")]);
  assert.deepEqual(unanswered.again, [REGENERATE, SHOW]);
  assert.equal(unanswered.size, 2);
  assert.equal(unanswered.seeksVersion, true);
  unanswered.turnsCame([turn("n"), turn("u")]);
  assert.equal(unanswered.size, 0);
  assert.equal(unanswered.seeksVersion, false);
});

test("settings are answered by the same settings, in whatever order", () => {
  const unanswered = asked(CONFIGURE);
  assert.equal(unanswered.settingsCame({ model: "m" }), false);
  assert.equal(unanswered.settingsCame({ effort: "low", model: "m" }), true);
  assert.equal(unanswered.size, 0);
  assert.equal(unanswered.settingsCame({ effort: "low", model: "m" }), false);
});

test("a rejection with an id is that command's, one without could be anyone's", () => {
  const unanswered = asked(REGENERATE, SHOW);
  unanswered.rejected("other");
  assert.equal(unanswered.size, 2);
  unanswered.rejected("n");
  assert.deepEqual(unanswered.again, [SHOW]);
  unanswered.rejected();
  assert.equal(unanswered.size, 0);
});
