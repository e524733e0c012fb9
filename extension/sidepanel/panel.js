/** Keeps the page in step with what the worker sends and with what the user does. `main.js` makes its parts. */

import { localisedError } from "../shared/python-text.js";
import { text } from "../shared/text.js";
import { hasEnded } from "../shared/turn.js";
import { byId } from "../ui/dom.js";
import { answererOf } from "./answerer.js";
import { statusText } from "./conversation/turn-labels.js";

/** @import {PanelCommand, PanelMessage, ProviderView, Turn, TurnError} from "../shared/protocol.js" */
/** @import {Composer} from "./composer/composer.js" */
/** @import {DraftNotes} from "./drafts/draft-notes.js" */
/** @import {MessageSender} from "./composer/message-sender.js" */
/** @import {ShownDraft} from "./composer/shown-draft.js" */
/** @import {Conversation} from "./conversation/conversation.js" */
/** @import {ConversationView} from "./conversation/conversation-view.js" */
/** @import {EarlierTurns} from "./conversation/earlier-turns.js" */
/** @import {Edits} from "./conversation/edits.js" */
/** @import {Navigation} from "./conversation/navigation.js" */
/** @import {Header} from "./header.js" */
/** @import {ProblemAlert} from "./problem-alert.js" */
/** @import {ConversationSettingsDialog} from "./settings/conversation-settings.js" */
/** @import {Unlock} from "./settings/unlock.js" */
/** @import {PermissionSummary} from "./tools/permission-summary.js" */
/** @import {UsageMeter} from "./usage/meter.js" */
/** @import {WorkerConnection} from "./worker-link/connection.js" */
/** @import {PendingCommands} from "./worker-link/pending-commands.js" */

/** @typedef {Extract<PanelMessage, {type: "Boot"}>} Boot */

/**
 * @typedef {object} Parts
 * @property {Conversation} conversation
 * @property {Edits} edits
 * @property {PendingCommands} pending
 * @property {WorkerConnection} connection
 * @property {ConversationView} view
 * @property {EarlierTurns} earlier
 * @property {Navigation} navigation
 * @property {Composer} composer
 * @property {DraftNotes} draftNotes
 * @property {ShownDraft} shownDraft
 * @property {MessageSender} sender
 * @property {Header} header
 * @property {ConversationSettingsDialog} settingsDialog
 * @property {PermissionSummary} permissionSummary
 * @property {Unlock} unlock
 * @property {UsageMeter} usage
 * @property {ProblemAlert} problem
 */

export class Panel {
  #parts;
  /** Who answers; null until the worker has said it. @type {ProviderView | null} */
  #provider = null;
  /** @type {Boot} */
  #boot = { type: "Boot", state: "starting", message: "" };
  /** The worker was lost while a turn ran, and the panel calls it again. */
  #isCalling = false;
  /** The turn that ran last while this panel was open: the status line also says how it ended. */
  #lastTurnId = "";
  /** Redraws the time that queued messages still have to wait. @type {ReturnType<typeof setInterval> | undefined} */
  #countdown;

  /** @param {Parts} parts */
  constructor(parts) {
    this.#parts = parts;
  }

  // --- for the parts ------------------------------------------------------------------------------------------------

  get provider() {
    return this.#provider;
  }

  get isReady() {
    return this.#boot.state !== "starting";
  }

  /** Until it is known who answers, messages are sent: they wait at the worker. */
  get canSend() {
    return this.#provider === null || (this.#provider.configured && !this.#provider.locked);
  }

  /** Whether the worker has yet to answer a command. */
  get isAsking() {
    const { pending, edits } = this.#parts;
    return pending.size > 0 || edits.unconfirmed.length > 0;
  }

  /**
   * Sends a command that has to be sent again when the connection breaks before the worker has answered it.
   * @param {PanelCommand} command
   */
  ask(command) {
    const { connection, pending } = this.#parts;
    connection.open();
    pending.add(command);
    connection.send(command);
    this.update();
  }

  /**
   * Asks for an answer without a new message.
   * @param {PanelCommand} command
   */
  askForAnswer(command) {
    const { problem, view, composer } = this.#parts;
    problem.clear("command");
    this.ask(command);
    view.follow();
    composer.focus();
  }

  // --- what the worker sends ----------------------------------------------------------------------------------------

  /** @param {PanelMessage} message */
  onMessage(message) {
    this.#isCalling = false;
    const { conversation, connection, sender, shownDraft, usage } = this.#parts;
    switch (message.type) {
      case "Boot":
        this.#onBoot(message);
        break;
      case "Provider":
        this.#onProvider(message.provider);
        break;
      case "Conversation":
        this.#onConversation(message);
        break;
      case "Turn":
        this.#confirm([message.turn]);
        if (!conversation.receive(message)) connection.join();
        break;
      case "Configured":
        conversation.receive(message);
        this.#onSettings();
        break;
      case "Earlier":
        this.#confirm(message.turns);
        conversation.receive(message);
        this.#seekVersion();
        break;
      case "Events":
        if (!conversation.receive(message)) connection.join();
        break;
      case "Meter":
        usage.setMeter(message.meter);
        break;
      case "Limits":
        usage.setLimits(message.limits);
        break;
      case "Stored":
        sender.stored(message.id);
        break;
      case "Cancelled":
        sender.cancelled(message);
        break;
      case "Rejected":
        this.#onRejected(message.error, message.id);
        break;
    }
    sender.settle();
    shownDraft.follow();
    this.update();
  }

  /** @param {"lost" | "failing" | "gone"} reason */
  onTrouble(reason) {
    const { conversation, problem } = this.#parts;
    this.#isCalling = reason === "lost";
    if (reason === "failing") {
      problem.show({
        source: "worker",
        text: text("problem_worker_failing"),
        hint: text("problem_worker_failing_hint"),
        action: text("common_try_again"),
      });
      const { running } = conversation;
      if (running) running.status = "interrupted";
    } else if (reason === "gone") {
      problem.show({
        source: "worker",
        text: text("problem_updated"),
        hint: text("problem_updated_hint"),
        action: text("problem_updated_action"),
      });
    }
    this.update();
  }

  /** @param {Boot} boot */
  #onBoot(boot) {
    const { problem, usage } = this.#parts;
    this.#boot = boot;
    if (boot.state === "ready") usage.load();
    if (boot.state === "failed") problem.show({ source: "boot", text: boot.message, action: text("common_try_again") });
    else problem.clear("boot", "worker");
  }

  /** @param {ProviderView} provider */
  #onProvider(provider) {
    this.#provider = provider;
    this.#parts.navigation.askWaitingQuestions();
    this.#parts.unlock.show(provider.locked);
  }

  /** @param {Extract<PanelMessage, {type: "Conversation"}>} message */
  #onConversation(message) {
    const { conversation, navigation, shownDraft, usage } = this.#parts;
    const { id, turns } = message.conversation;
    const isMoved = shownDraft.isMovedTo(id);
    if (id !== conversation.id) navigation.leave();
    this.#confirm(turns);
    conversation.receive(message);
    if (conversation.id === id) shownDraft.follow(isMoved);
    usage.showConversation(message.conversation);
    this.#onSettings();
    this.#seekVersion();
  }

  #onSettings() {
    const { conversation, pending, settingsDialog } = this.#parts;
    if (pending.settingsCame(conversation.settings)) settingsDialog.saved();
  }

  /**
   * @param {TurnError} rejected
   * @param {string} [id]
   */
  #onRejected(rejected, id) {
    const error = localisedError(rejected);
    const { header, pending, problem, sender, settingsDialog, unlock } = this.#parts;
    if (id) sender.rejected(id);
    pending.rejected(id);
    header.resetChoice();
    if (settingsDialog.rejected(error)) return;
    if (unlock.rejected(error)) return;
    // A boot that failed has its own alert, whose button helps.
    if (this.#boot.state === "failed") return;
    problem.show({ source: "command", text: error.message, hint: error.hint, action: text("common_dismiss"), error });
  }

  /**
   * The worker has these turns.
   * @param {Turn[]} turns
   */
  #confirm(turns) {
    const { pending, sender } = this.#parts;
    pending.turnsCame(turns);
    for (const turn of turns) if (hasEnded(turn)) sender.editStored(turn.id);
  }

  /** The version that was asked for may come before all turns that are here. */
  #seekVersion() {
    const { conversation, earlier, pending } = this.#parts;
    earlier.update(conversation.turns[0]?.id, conversation.earlier);
    if (pending.seeksVersion) earlier.ask();
  }

  // --- what the user does -------------------------------------------------------------------------------------------

  stop() {
    const { connection, conversation } = this.#parts;
    if (conversation.running) connection.send({ type: "Stop" });
  }

  /** Has the worker start Python again. */
  restart() {
    const { connection, problem } = this.#parts;
    problem.clear("boot");
    this.#boot = { type: "Boot", state: "starting", message: "" };
    connection.send({ type: "Restart" });
    this.update();
  }

  dismissProblem() {
    const { composer, problem } = this.#parts;
    problem.clear("command");
    this.update();
    composer.focus();
  }

  // --- what the page shows ------------------------------------------------------------------------------------------

  /** Another draft is shown, or something was added to it. */
  showDraft() {
    const { composer, conversation, draftNotes, edits } = this.#parts;
    // Edits may have become turns while another conversation was shown.
    for (const turn of conversation.turns) if (hasEnded(turn)) edits.confirm(turn.id);
    composer.show();
    draftNotes.update();
    this.update();
  }

  update() {
    const { composer, conversation, earlier, header, permissionSummary, problem, settingsDialog, view } = this.#parts;
    const { turns, running } = conversation;
    if (running) this.#lastTurnId = running.id;
    // Code that the user runs shares its variables with the conversation's other code.
    byId("conversation").dataset.conversation = conversation.id;
    header.update();
    permissionSummary.update(this.#provider, conversation.settings);
    this.#showCards(turns.length === 0);
    problem.update();
    this.#showStatus();
    composer.update({ running: running !== undefined, ready: this.canSend });
    const { isAsking } = this;
    const state = { isBusy: conversation.isActive || isAsking, isAsking };
    earlier.update(turns[0]?.id, conversation.earlier);
    settingsDialog.update(!state.isBusy && turns.length > 0 && turns.at(-1)?.kind !== "compaction");
    view.show(turns, state);
    this.#countDown(turns.some((turn) => turn.waiting?.until));
  }

  /** @param {boolean} isEmpty */
  #showCards(isEmpty) {
    const provider = this.#provider;
    byId("demo").hidden = !provider?.demo;
    byId("onboarding").hidden = provider === null || provider.configured || !isEmpty;
    byId("empty").hidden = !provider?.configured || provider.locked || !isEmpty;
  }

  #showStatus() {
    const { turns, running, settings } = this.#parts.conversation;
    const last = turns.findLast((turn) => !turn.waiting);
    const line = statusText({
      boot: this.#boot,
      running,
      last: last?.id === this.#lastTurnId ? last : undefined,
      isCalling: this.#isCalling,
      model: answererOf(this.#provider, settings).model,
    });
    if (byId("status").textContent !== line) byId("status").textContent = line;
  }

  /** @param {boolean} isNeeded  Whether a queued message shows how long it has to wait. */
  #countDown(isNeeded) {
    if (isNeeded) this.#countdown ??= setInterval(() => this.update(), 1000);
    else if (this.#countdown) {
      clearInterval(this.#countdown);
      this.#countdown = undefined;
    }
  }
}
