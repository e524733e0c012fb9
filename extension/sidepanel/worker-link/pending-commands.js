/**
 * What the worker was asked and has not answered yet. Over a new port it is asked once more, with the same ids.
 */

/** @import {ConversationSettings, PanelCommand, Turn} from "../../shared/protocol.js" */

/** The place of what any news of a turn answers. It is not asked again: a second time it could begin a second turn. */
const ANY_TURN = "any turn";
const SETTINGS = "settings";

export class PendingCommands {
  /** By what the answer will name. @type {Map<string, PanelCommand>} */
  #commands = new Map();

  get size() {
    return this.#commands.size;
  }

  /** What to ask again after the connection broke. */
  get again() {
    return [...this.#commands].flatMap(([key, command]) => (key === ANY_TURN ? [] : [command]));
  }

  /** Whether a version of a turn was asked for that has not come. */
  get seeksVersion() {
    return this.again.some(({ type }) => type === "ShowBranch");
  }

  /** @param {PanelCommand} command */
  add(command) {
    this.#commands.set(keyOf(command), command);
  }

  /**
   * The worker knows these turns.
   * @param {Turn[]} turns
   */
  turnsCame(turns) {
    this.#commands.delete(ANY_TURN);
    for (const { id } of turns) this.#commands.delete(id);
  }

  /**
   * These are the conversation's settings.
   * @param {ConversationSettings} settings
   * @returns {boolean}  Whether that answers the wish to change them.
   */
  settingsCame(settings) {
    const command = this.#commands.get(SETTINGS);
    if (command?.type !== "Configure" || !isSame(command.settings, settings)) return false;
    return this.#commands.delete(SETTINGS);
  }

  /**
   * @param {string} [id]  Of the turn that the refused command would have made, where the worker says it.
   */
  rejected(id) {
    if (id) this.#commands.delete(id);
    else this.#commands.clear();
  }

  /** Nobody waits for answers any more. */
  clear() {
    this.#commands.clear();
  }
}

/** @param {PanelCommand} command */
function keyOf(command) {
  switch (command.type) {
    case "Regenerate":
    case "Continue":
      return command.id;
    case "ShowBranch":
      return command.turn;
    case "Configure":
      return SETTINGS;
    default:
      return ANY_TURN;
  }
}

/**
 * @param {ConversationSettings} one
 * @param {ConversationSettings} other
 */
function isSame(one, other) {
  const sorted = (/** @type {ConversationSettings} */ settings) => JSON.stringify(Object.entries(settings).sort());
  return sorted(one) === sorted(other);
}
