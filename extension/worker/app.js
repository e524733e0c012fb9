/**
 * The worker's application: it carries out the commands of the panels, and connects the panels, Python and the requests
 * of the pages (`requests/`).
 */

import { toTurnError, UserError } from "../shared/errors.js";
import { logError } from "../shared/log.js";
import { described, purgeDrafts } from "../shared/storage/attachments.js";
import { rememberShown, shownIn } from "../shared/storage/shown-conversation.js";
import { text } from "../shared/text.js";
import { awakeDuring } from "./keep-alive.js";
import { Panels } from "./panels.js";
import { createHost } from "./python/host.js";
import { PythonSupervisor } from "./python/python.js";
import { Questions } from "./python/questions.js";
import { createAnswer } from "./requests/handlers.js";
import { forgetPython } from "./sandbox.js";
import { providerView } from "./settings/connections.js";
import { activateProfile, unlock } from "./settings/settings.js";
import { purgeDeleted } from "./storage/conversation-list.js";
import { hasTurn, loadConversation, unfinishedConversations } from "./storage/conversation-store.js";
import { remember } from "./storage/meta-store.js";
import { storedView } from "./storage/stored-view.js";

/** @import { PanelCommand } from "../shared/protocol.js" */

/** The commands that Python carries out, in the conversation that the panel shows. */
const FOR_PYTHON = /** @type {const} */ ([
  ...["Regenerate", "Retry", "Continue", "ShowBranch", "Stop", "Cancel", "SendNow"],
  ...["Compact", "Decide", "Configure", "Earlier"],
]);

/** @typedef {typeof FOR_PYTHON[number]} PythonCommand */

/** @param {string} type @returns {type is PythonCommand} */
const isForPython = (type) => FOR_PYTHON.some((each) => each === type);

export class App {
  #panels = new Panels();
  #python;
  #questions = new Questions((message) => this.#sendQuestion(message));
  /** Answers a request of a page. */
  answer = createAnswer({
    askPython: (question) => this.#questions.ask(question),
    onProviderChange: () => this.#sendProvider(),
    onAccountChange: () => this.#forgetLimits(),
    endPython: () => this.#python.discard(),
    revivePython: () => this.#revive(),
    conversationsInUse: () => this.#inUse(),
    onDelete: (conversation) => this.#onDelete(conversation),
  });

  constructor() {
    const host = createHost({
      stored: (id) => this.#panels.post({ type: "Stored", id }),
      post: (message, panel) => this.#panels.postUpdate(message, panel),
      reply: (id, reply) => this.#questions.settle(id, JSON.parse(reply)),
      busy: (busy) => this.#python.setBusy(busy),
      windowOf: (conversation) => this.#windowOf(conversation),
    });
    this.#python = new PythonSupervisor(
      host,
      (state) => this.#onPythonState(state),
      () => this.#questions.fail(),
    );
  }

  // --- panels
  // ----------------------------------------------------------------------------------------------------------

  /** @param {chrome.runtime.Port} port */
  connect(port) {
    const panel = this.#panels.add(port);
    port.onDisconnect.addListener(() => {
      this.#panels.remove(panel);
      this.#python.sendIfRunning({ type: "Left", panel }).catch(() => {});
    });
    port.onMessage.addListener((command) => {
      this.#carryOut(panel, command).catch((error) => this.#reject(panel, command, error));
    });
  }

  /**
   * How each command of a panel is carried out. Those that are missing here are Python's.
   * @type {{[T in Exclude<PanelCommand["type"], PythonCommand>]:
   *   (command: Extract<PanelCommand, {type: T}>, panel: number) => Promise<void>}}
   */
  #commands = {
    Join: (command, panel) => this.#join(panel, command),
    Send: (command, panel) => this.#send(panel, command),
    Ack: (command, panel) => this.#acknowledge(panel, command.count),
    NewChat: (command, panel) => this.#show(panel, String(command.conversation)),
    Open: (command, panel) => this.#open(panel, String(command.conversation)),
    Unlock: async (command) => {
      await awakeDuring(unlock(String(command.passphrase)));
      await this.#sendProvider();
    },
    ActivateProfile: async (command) => {
      await activateProfile(String(command.id));
      await this.#sendProvider();
    },
    Restart: () => this.#python.restart(),
    Wake: () => this.wake(),
  };

  /**
   * @param {number} panel
   * @param {PanelCommand} command
   */
  async #carryOut(panel, command) {
    const type = command?.type;
    if (isForPython(type)) {
      return this.#python.send({ ...command, panel, conversation: await this.#shownIn(panel) });
    }
    if (Object.hasOwn(this.#commands, type)) return /** @type {any} */ (this.#commands[type])(command, panel);
    throw new UserError("unsupported", text("error_unsupported_action"), text("panel_reopen"));
  }

  /**
   * @param {number} panel
   * @param {Extract<PanelCommand, {type: "Send"}>} command
   */
  async #send(panel, command) {
    const conversation = String(command.conversation || (await this.#shownIn(panel)));
    const id = String(command.id);
    const attachments = described(command.attachments);
    await this.#python.send({
      type: "Send",
      panel,
      conversation,
      id,
      text: String(command.text).toWellFormed(),
      ...(command.replaces === undefined ? {} : { replaces: String(command.replaces) }),
      ...(attachments.length > 0 ? { attachments } : {}),
    });
    // The worker that stored the message may have died before it could report that.
    if (await hasTurn(conversation, id)) this.#panels.post({ type: "Stored", id }, panel);
  }

  /** @param {number} panel @param {number} count  Of the messages that the panel has drawn. */
  async #acknowledge(panel, count) {
    // A panel can miss messages only of a Python that runs.
    if (this.#panels.acknowledge(panel, count) && this.#pythonIs("ready")) await this.#joinPython(panel);
  }

  /**
   * Called when time has passed or the network is back, since queued messages may wait for that. Python looks for them
   * when it starts.
   */
  async wake() {
    if (this.#pythonIs("ready")) await this.#python.send({ type: "Wake" });
    else await this.#python.ensure();
  }

  /**
   * A panel is shown the stored conversation at once, and Python's state of it as soon as Python has started.
   * @param {number} panel
   * @param {Extract<PanelCommand, {type: "Join"}>} command
   */
  async #join(panel, { conversation, window }) {
    const joining = this.#panels.get(panel);
    if (!joining) return;
    joining.window = window;
    joining.shown = this.#conversationFor(conversation, window);
    this.#panels.post({ type: "Boot", ...this.#python.state }, panel);
    this.#panels.post({ type: "Provider", provider: await providerView() }, panel);
    if (this.#pythonIs("ready")) return this.#joinPython(panel);
    await this.#showStored(panel);
    // This comes last, since starting Python blocks this thread for seconds.
    if (this.#pythonIs("starting")) await this.#python.ensure();
  }

  /**
   * @param {string | undefined} shown  The conversation that the panel shows already.
   * @param {number | undefined} window
   */
  async #conversationFor(shown, window) {
    try {
      const id = shown || (await shownIn(window)) || crypto.randomUUID();
      await rememberShown(id, window);
      return id;
    } catch (error) {
      // The user can chat even if the database cannot be read.
      logError("Which conversation was shown could not be read:", error);
      return shown || crypto.randomUUID();
    }
  }

  /** @param {number} panel @returns {Promise<string>}  The conversation that it shows. */
  async #shownIn(panel) {
    const id = await this.#panels.get(panel)?.shown;
    if (id) return id;
    throw new UserError("internal", text("panel_shows_nothing"), text("panel_reopen"));
  }

  /** From then on Python sends the panel what happens in the conversation that it shows. @param {number} panel */
  async #joinPython(panel) {
    await this.#python.send({ type: "Join", panel, conversation: await this.#shownIn(panel) });
  }

  /**
   * @param {number} panel
   * @param {string} id
   */
  async #open(panel, id) {
    if (await loadConversation(id)) return this.#show(panel, id);
    throw new UserError("invalid_request", text("conversation_gone"), text("conversation_choose_another"));
  }

  /**
   * Shows a conversation. While Python starts, the panel is shown what is stored of it.
   * @param {number} panel
   * @param {string} id  Of a conversation, perhaps a new one.
   */
  async #show(panel, id) {
    const showing = this.#panels.get(panel);
    if (!showing) return;
    // This waits for a join that is under way, since otherwise the conversation of that join would be remembered last.
    showing.shown = Promise.resolve(showing.shown)
      .then(() => rememberShown(id, showing.window))
      .catch((error) => logError("What is shown could not be stored:", error))
      .then(() => id);
    if (!this.#pythonIs("ready")) await this.#showStored(panel);
    await this.#joinPython(panel);
  }

  /** @param {number} panel */
  async #showStored(panel) {
    const id = await this.#shownIn(panel);
    const conversation = await storedView(id).catch((error) => {
      logError("The stored conversation could not be read:", error);
      return { id, turns: [] };
    });
    // Python may have started, and have sent a newer state, while this was read.
    if (!this.#pythonIs("ready")) this.#panels.post({ type: "Conversation", conversation, seq: 0 }, panel);
  }

  /**
   * The window that shows a conversation. If there are several, it is the one that was used last.
   * @param {string} conversation
   * @returns {Promise<number>}
   */
  async #windowOf(conversation) {
    const windows = [];
    for (const panel of this.#panels.numbers) {
      const { shown, window } = this.#panels.get(panel) ?? {};
      if (window !== undefined && (await shown) === conversation) windows.push(window);
    }
    const last = windows.length > 1 ? (await chrome.windows.getLastFocused()).id : undefined;
    const window = windows.find((id) => id === last) ?? windows[0];
    if (window !== undefined) return window;
    throw new UserError("unsupported", text("conversation_not_shown"), text("conversation_open_beside_page"));
  }

  /** The conversations that panels show. */
  async #inUse() {
    return new Set(await Promise.all(this.#panels.numbers.map((panel) => this.#panels.get(panel)?.shown ?? "")));
  }

  /** @param {string} id  Of a conversation that was deleted. */
  async #onDelete(id) {
    // If Python does not run, it has nothing to forget.
    this.#python.sendIfRunning({ type: "Forget", conversation: id }).catch(() => {});
    forgetPython(id).catch((error) => logError("A deleted conversation's Python could not be ended:", error));
    for (const panel of this.#panels.numbers) {
      if ((await this.#panels.get(panel)?.shown) !== id) continue;
      this.#show(panel, crypto.randomUUID()).catch((error) =>
        logError("A new conversation could not be shown:", error),
      );
    }
  }

  /** @param {import("./python/python.js").BootState["state"]} state */
  #pythonIs(state) {
    return this.#python.state.state === state;
  }

  /**
   * @param {number} panel
   * @param {PanelCommand} command
   * @param {unknown} error
   */
  #reject(panel, command, error) {
    if (!(error instanceof UserError)) logError(`${command?.type} failed:`, error);
    const { state, message } = this.#python.state;
    // Every panel already knows that Python did not start, so only a rejected message is reported.
    if (state === "failed" && (command?.type === "Join" || command?.type === "Restart")) return;
    const reason = state === "failed" ? new UserError("internal", message) : error;
    const id = command?.type === "Send" ? { id: command.id } : {};
    this.#panels.post({ type: "Rejected", ...id, error: toTurnError(reason) }, panel);
  }

  async #sendProvider() {
    this.#panels.post({ type: "Provider", provider: await providerView() });
    this.#python.sendIfRunning({ type: "NewProvider" }).catch(() => {});
  }

  /** @param {import("./python/python.js").BootState} state */
  #onPythonState(state) {
    this.#panels.post({ type: "Boot", ...state });
    if (state.state !== "ready") return;
    for (const panel of this.#panels.numbers) this.#joinPython(panel).catch(() => {});
    this.#inUse()
      .then(purgeDeleted)
      .then(purgeDrafts)
      .catch((error) => logError("Deleted conversations could not be removed:", error));
  }

  // --- what the requests of the pages need ---------------------------------------------------------------------

  /** Forgets the limits that providers have reported, which belong to the account whose key was replaced. */
  async #forgetLimits() {
    await remember("limits", "");
    // Python is started for this only if a message waits.
    const message = { type: "NewAccount" };
    const isAwaited = (await unfinishedConversations()).length > 0;
    const sent = isAwaited ? this.#python.send(message) : this.#python.sendIfRunning(message);
    sent.catch(() => {});
  }

  /** Starts a new Python, with an empty conversation, for the panels that are open. */
  #revive() {
    if (this.#panels.numbers.length > 0) this.#python.ensure().catch(() => {});
  }

  /** @param {{type: string} & Record<string, unknown>} question */
  async #sendQuestion(question) {
    try {
      await this.#python.send(question);
    } catch {
      throw new UserError("internal", this.#python.state.message || text("boot_no_answer"), text("error_try_again"));
    }
  }
}
