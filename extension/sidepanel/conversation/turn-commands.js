/** What the buttons in the conversation ask of the worker. */

/** @import {PanelCommand} from "../../shared/protocol.js" */
/** @import {MessageSender} from "../composer/message-sender.js" */
/** @import {WorkerConnection} from "../worker-link/connection.js" */
/** @import {Conversation} from "./conversation.js" */
/** @import {ConversationView} from "./conversation-view.js" */
/** @import {Edits} from "./edits.js" */
/** @import {TurnActions} from "./turn-view.js" */

/**
 * @typedef {object} Parts
 * @property {Conversation} conversation
 * @property {() => ConversationView} view  It is made after its actions.
 * @property {WorkerConnection} connection
 * @property {MessageSender} sender
 * @property {Edits} edits
 * @property {(command: PanelCommand) => void} ask  For what has to be asked again over a new port.
 * @property {(command: PanelCommand) => void} askForAnswer
 * @property {() => void} update
 * @property {() => void} focusComposer
 * @property {() => void} openPermissions
 * @property {() => void} openSettings
 */

/**
 * @param {Parts} parts
 * @returns {TurnActions}
 */
export function turnCommands(parts) {
  const { conversation, view, connection, sender, edits, ask, askForAnswer, focusComposer } = parts;
  return {
    edits,
    conversation: () => conversation.id,
    changed: parts.update,
    resend: (replaces, text, attachments) => sender.sendEdit(replaces, text, attachments),
    showBranch: (turn, instead) => {
      view().awaitVersion(instead, turn);
      ask({ type: "ShowBranch", turn });
    },
    regenerate: (turn) => askForAnswer({ type: "Regenerate", id: crypto.randomUUID(), turn }),
    continueAnswer: (turn) => askForAnswer({ type: "Continue", id: crypto.randomUUID(), turn }),
    compact: (retry) => askForAnswer({ type: "Compact", retry }),
    retry: (id) => askForAnswer({ type: "Retry", id }),
    sendNow: (id) => {
      connection.send({ type: "SendNow", id });
      focusComposer();
    },
    cancel: (id) => sender.cancel(id),
    decide: (call, decision) => {
      connection.send({ type: "Decide", call, ...decision });
      // A decision for the whole conversation answers the other questions as well.
      const isForAll = decision.always || decision.never;
      if (isForAll || !view().focusQuestion(call)) focusComposer();
    },
    hosts: () => conversation.settings.network ?? [],
    openPermissions: parts.openPermissions,
    openSettings: parts.openSettings,
  };
}
