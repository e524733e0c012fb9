/** The worker's application: what happens on each command of a panel and each request of a page. */

import { toTurnError, UserError } from "../shared/errors.js";
import { logError } from "../shared/log.js";
import {
  described,
  dropAttachment,
  keepAttachment,
  loadAttachment,
  purgeDrafts,
} from "../shared/storage/attachments.js";
import { database } from "../shared/storage/database.js";
import { rememberShown, shownIn } from "../shared/storage/shown.js";
import { awakeDuring } from "./keep-alive.js";
import { captureTab, readPage, readSelection, shownTab } from "./page/page.js";
import { Panels } from "./panels.js";
import { createHost } from "./python/host.js";
import { PythonSupervisor } from "./python/python.js";
import { forgetEverything } from "./reset.js";
import { drawDiagram, forgetPython, joinPython, runningPython, runPython, stopPython } from "./sandbox.js";
import * as settings from "./settings/settings.js";
import {
  deleteConversation,
  freeStorage,
  listConversations,
  purgeDeleted,
  renameConversation,
  storageUse,
  undoDelete,
} from "./storage/conversation-list.js";
import { hasTurn, loadConversation, unfinishedConversations } from "./storage/conversation-store.js";
import { recall, remember } from "./storage/meta-store.js";
import { loadShown, storedView } from "./storage/stored-view.js";
import { exportConversations, importConversations } from "./storage/transfer.js";
import { usageByDay } from "./storage/usage.js";

/** @import { PanelCommand, Reply, Request } from "../shared/protocol.js" */

export class App {
  #panels = new Panels();
  #python;
  /** Requests that Python works on. @type {Map<number, (reply: Reply) => void>} */
  #pending = new Map();
  #lastRequest = 0;

  constructor() {
    const host = createHost({
      stored: (id) => this.#panels.post({ type: "Stored", id }),
      post: (message, panel) => this.#panels.postNews(message, panel),
      reply: (id, reply) => this.#settle(id, JSON.parse(reply)),
      busy: (busy) => this.#python.setBusy(busy),
      windowOf: (conversation) => this.#windowOf(conversation),
    });
    this.#python = new PythonSupervisor(
      host,
      (state) => this.#onPythonState(state),
      () => this.#onPythonDeath(),
    );
  }

  // --- panels ----------------------------------------------------------------------------------------------------------

  /** @param {chrome.runtime.Port} port */
  connect(port) {
    const panel = this.#panels.add(port);
    port.onDisconnect.addListener(() => {
      this.#panels.remove(panel);
      this.#python.tell({ type: "Left", panel }).catch(() => {});
    });
    port.onMessage.addListener((command) => {
      this.#carryOut(panel, command).catch((error) => this.#reject(panel, command, error));
    });
  }

  /**
   * @param {number} panel
   * @param {PanelCommand} command
   */
  async #carryOut(panel, command) {
    switch (command?.type) {
      case "Join":
        return this.#join(panel, command);
      case "Send": {
        const conversation = String(command.conversation || (await this.#shownIn(panel)));
        const { id, text, replaces } = command;
        const attachments = described(command.attachments);
        const more = {
          ...(replaces === undefined ? {} : { replaces: String(replaces) }),
          ...(attachments.length > 0 ? { attachments } : {}),
        };
        const wellFormed = String(text).toWellFormed();
        await this.#python.send({ type: "Send", panel, conversation, id: String(id), text: wellFormed, ...more });
        // The worker that stored it may have died before it said so.
        if (await hasTurn(conversation, String(id))) this.#panels.post({ type: "Stored", id: String(id) }, panel);
        return;
      }
      case "Regenerate":
      case "Retry":
      case "Continue":
      case "ShowBranch":
      case "Stop":
      case "Cancel":
      case "SendNow":
      case "Compact":
      case "Decide":
      case "Configure":
      case "Earlier":
        return this.#python.send({ ...command, panel, conversation: await this.#shownIn(panel) });
      case "Ack":
        // Only a Python that runs has news that a panel can miss.
        if (this.#panels.acknowledge(panel, command.count) && this.#pythonIs("ready")) await this.#joinPython(panel);
        return;
      case "NewChat":
        return this.#show(panel, String(command.conversation));
      case "Open":
        return this.#open(panel, String(command.conversation));
      case "Unlock":
        await awakeDuring(settings.unlock(String(command.passphrase)));
        return this.#tellProvider();
      case "ActivateProfile":
        await settings.activateProfile(String(command.id));
        return this.#tellProvider();
      case "Restart":
        return this.#python.restart();
      case "Wake":
        return this.wake();
      default:
        throw new UserError(
          "unsupported",
          "The panel asked for something that this version does not know.",
          "Close the panel and open it again.",
        );
    }
  }

  /** Time has passed, or the network is back: messages may wait for that. Starting Python is enough, it looks by itself. */
  async wake() {
    if (this.#pythonIs("ready")) await this.#python.send({ type: "Wake" });
    else await this.#python.ensure();
  }

  /**
   * A panel sees the stored conversation at once, and what Python knows as soon as Python is up.
   * @param {number} panel
   * @param {Extract<PanelCommand, {type: "Join"}>} command
   */
  async #join(panel, { conversation, window }) {
    const joining = this.#panels.get(panel);
    if (!joining) return;
    joining.window = window;
    joining.shown = this.#conversationFor(conversation, window);
    this.#panels.post({ type: "Boot", ...this.#python.state }, panel);
    this.#panels.post({ type: "Provider", provider: await settings.providerView() }, panel);
    if (this.#pythonIs("ready")) return this.#joinPython(panel);
    await this.#showStored(panel);
    // Only now: starting Python blocks this thread for seconds.
    if (this.#pythonIs("starting")) await this.#python.ensure();
  }

  /**
   * @param {string | undefined} shown  By the panel already.
   * @param {number | undefined} window
   */
  async #conversationFor(shown, window) {
    try {
      const id = shown || (await shownIn(window)) || crypto.randomUUID();
      await rememberShown(id, window);
      return id;
    } catch (error) {
      // A database that cannot be read must not keep the user from chatting.
      logError("Which conversation was shown could not be read:", error);
      return shown || crypto.randomUUID();
    }
  }

  /** @param {number} panel @returns {Promise<string>}  The conversation that it shows. */
  async #shownIn(panel) {
    const id = await this.#panels.get(panel)?.shown;
    if (id) return id;
    throw new UserError("internal", "The panel shows no conversation.", "Close the panel and open it again.");
  }

  /** From here on Python tells the panel what happens in the conversation that it shows. @param {number} panel */
  async #joinPython(panel) {
    await this.#python.send({ type: "Join", panel, conversation: await this.#shownIn(panel) });
  }

  /**
   * @param {number} panel
   * @param {string} id
   */
  async #open(panel, id) {
    if (await loadConversation(id)) return this.#show(panel, id);
    throw new UserError("invalid_request", "That conversation is not there any more.", "Choose another one.");
  }

  /**
   * While Python starts, the panel is shown what is stored.
   * @param {number} panel
   * @param {string} id  Of a conversation, perhaps a new one.
   */
  async #show(panel, id) {
    const showing = this.#panels.get(panel);
    if (!showing) return;
    // After a join that is under way, or that would be remembered last.
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
    // Python may have come up, and have sent the newer state, while this was read.
    if (!this.#pythonIs("ready")) this.#panels.post({ type: "Conversation", conversation, seq: 0 }, panel);
  }

  /**
   * The window in which somebody looks at a conversation: if there are several, the one that was used last.
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
    throw new UserError(
      "unsupported",
      "The panel does not show this conversation.",
      "Open it beside the page, then try again.",
    );
  }

  /** The conversations that panels show. */
  async #inUse() {
    return new Set(await Promise.all(this.#panels.numbers.map((panel) => this.#panels.get(panel)?.shown ?? "")));
  }

  /** @param {string} id */
  async #delete(id) {
    const deleted = await deleteConversation(id);
    // A Python that does not start has nothing to forget.
    this.#python.tell({ type: "Forget", conversation: id }).catch(() => {});
    forgetPython(id).catch((error) => logError("A deleted conversation's Python could not be ended:", error));
    for (const panel of this.#panels.numbers) {
      if ((await this.#panels.get(panel)?.shown) !== id) continue;
      this.#show(panel, crypto.randomUUID()).catch((error) =>
        logError("A new conversation could not be shown:", error),
      );
    }
    return deleted;
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
    // Every panel has been told that Python did not start; only a message that was not taken is news.
    if (state === "failed" && (command?.type === "Join" || command?.type === "Restart")) return;
    const reason = state === "failed" ? new UserError("internal", message) : error;
    const id = command?.type === "Send" ? { id: command.id } : {};
    this.#panels.post({ type: "Rejected", ...id, error: toTurnError(reason) }, panel);
  }

  async #tellProvider() {
    this.#panels.post({ type: "Provider", provider: await settings.providerView() });
    this.#python.tell({ type: "NewProvider" }).catch(() => {});
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

  #onPythonDeath() {
    const error = toTurnError(new UserError("internal", "Python stopped while it worked on this.", "Try again."));
    for (const id of [...this.#pending.keys()]) this.#settle(id, { ok: false, error });
  }

  // --- requests of the pages ------------------------------------------------------------------------------------

  /**
   * @param {Request} request
   * @returns {Promise<Reply>}  Never rejects.
   */
  async answer(request) {
    try {
      return await awakeDuring(this.#answer(request));
    } catch (error) {
      if (!(error instanceof UserError)) logError(`${request?.type} failed:`, error);
      return { ok: false, error: toTurnError(error) };
    }
  }

  /**
   * @param {Request} request
   * @returns {Promise<Reply>}
   */
  async #answer(request) {
    switch (request?.type) {
      case "LoadSettings":
        return this.#describeSettings();
      case "SaveProfile": {
        const id = await settings.saveProfile(request.profile, request.api_key, request.passphrase);
        if (request.api_key !== undefined) await this.#forgetLimits();
        return this.#changed({ profile_id: id });
      }
      case "RemoveProfile":
        await settings.removeProfile(request.id);
        return this.#changed();
      case "ActivateProfile":
        await settings.activateProfile(request.id);
        return this.#changed();
      case "ImportAuthJson": {
        const [id] = await settings.importAuthJson(request.text);
        await this.#forgetLimits();
        return this.#changed({ profile_id: id });
      }
      case "ExportSettings":
        return { ok: true, ...(await settings.exportSettings()) };
      case "ImportSettings": {
        const { added, of, brings, left_out = [] } = await settings.importSettings(request.text, request.seen);
        if (brings) return { ok: true, brings_profiles: brings, left_out };
        const message = `${added} of ${of} ${of === 1 ? "profile" : "profiles"} added${added < of ? "; the others are there already" : ""}.`;
        return this.#changed({ message, left_out });
      }
      case "ResetEverything":
        await this.#python.discard();
        await forgetPython();
        await settings.exclusively(forgetEverything);
        this.#revive();
        return this.#changed();
      case "TestConnection":
      case "ListModels": {
        const modelNeeded = request.type === "TestConnection";
        const { api_key, profile_id } = request;
        const connection = await settings.trialConnection(request.settings, api_key, profile_id, { modelNeeded });
        return this.#askPython({ type: request.type, connection });
      }
      case "DescribeModel":
        return this.#askPython({ type: "DescribeModel", settings: request.settings });
      case "LoadLog":
        return { ok: true, text: `${versions()}\n\n${await this.#errorLog()}` };
      case "ClearLog":
        return this.#askPython({ type: "ClearLog" });
      case "ListConversations":
        return { ok: true, ...(await listConversations(request, await this.#inUse())) };
      case "RenameConversation":
        await renameConversation(request.id, request.title);
        return { ok: true };
      case "DeleteConversation":
        return { ok: true, ...(await this.#delete(request.id)) };
      case "UndoDelete":
        await undoDelete(request.id);
        return { ok: true };
      case "ExportConversations":
        return { ok: true, ...(await exportConversations(request)) };
      case "ImportConversations":
        return { ok: true, ...(await importConversations(request.text, request.instructions)) };
      case "StorageUse":
        return { ok: true, storage: await storageUse() };
      case "UsageByDay":
        return { ok: true, days: await usageByDay(await database(), request.days) };
      case "FreeStorage":
        await purgeDrafts();
        return { ok: true, ...(await freeStorage(request.older_than, await this.#inUse())) };
      case "KeepAttachment": {
        const [attachment] = described([request.attachment]);
        if (!attachment) throw new UserError("invalid_request", "This cannot be attached.");
        await keepAttachment(attachment, request.content);
        return { ok: true };
      }
      case "LoadAttachment": {
        const content = await loadAttachment(String(request.conversation ?? ""), String(request.id));
        if (content === undefined) throw new UserError("not_found", "What was attached is not there any more.");
        return { ok: true, content };
      }
      case "LoadShown": {
        const shown = await loadShown(String(request.conversation), String(request.turn), Number(request.block));
        if (!shown) throw new UserError("not_found", "What was shown here is not there any more.");
        return { ok: true, shown };
      }
      case "DropAttachment":
        await dropAttachment(String(request.id));
        return { ok: true };
      case "RunPython":
        return { ok: true, run: await runPython(request) };
      case "RunningPython":
        return { ok: true, codes: await runningPython(String(request.conversation)) };
      case "JoinPython":
        return { ok: true, ...(await joinPython(String(request.conversation), String(request.code))) };
      case "DrawDiagram":
        return { ok: true, diagram: await drawDiagram(String(request.source), request.dark === true) };
      case "ReadPage": {
        const tab = await shownTab(request.window);
        if (request.what === "screenshot") return { ok: true, ...(await captureTab(tab, request.granted)) };
        const read = request.what === "selection" ? readSelection : readPage;
        return { ok: true, page: await read(tab, request.granted) };
      }
      case "StopPython":
        await stopPython(request.conversation);
        return { ok: true };
      default:
        throw new UserError("unsupported", "This version does not know that request.", "Load the page again.");
    }
  }

  /** What Python shows of the log; as it is stored where Python does not start, since it may say why. */
  async #errorLog() {
    try {
      const reply = await this.#askPython({ type: "LoadLog" });
      if (reply.ok) return reply.text || "Nothing has been logged.";
    } catch (error) {
      logError("Python could not show the log:", error);
    }
    return (await recall("log")) || "Nothing has been logged.";
  }

  /** What providers have told of their limits is about the account whose key was replaced. */
  async #forgetLimits() {
    await remember("limits", "");
    // A Python that sleeps is woken only if a message waits.
    const message = { type: "NewAccount" };
    const told = (await unfinishedConversations()).length > 0 ? this.#python.send(message) : this.#python.tell(message);
    told.catch(() => {});
  }

  /**
   * Tells the panels, and answers with what is stored now.
   * @param {{profile_id?: string, message?: string, left_out?: string[]}} [more]
   * @returns {Promise<Reply>}
   */
  async #changed(more = {}) {
    await this.#tellProvider();
    return { ...(await this.#describeSettings()), ...more };
  }

  /** @returns {Promise<Reply>} */
  async #describeSettings() {
    const description = await settings.describeSettings();
    const active = description.profiles.find(({ id }) => id === description.active);
    return { ok: true, ...description, settings: active?.settings ?? null, has_key: active?.has_key ?? false };
  }

  /** A new Python, with an empty conversation, for the panels that are open. */
  #revive() {
    if (this.#panels.numbers.length > 0) this.#python.ensure().catch(() => {});
  }

  /**
   * @param {Record<string, unknown>} question
   * @returns {Promise<Reply>}
   */
  async #askPython(question) {
    this.#lastRequest += 1;
    const request = this.#lastRequest;
    /** @type {Promise<Reply>} */
    const reply = new Promise((resolve) => {
      this.#pending.set(request, resolve);
    });
    try {
      await this.#python.send({ ...question, request });
    } catch {
      this.#pending.delete(request);
      throw new UserError("internal", this.#python.state.message || "Python could not answer.", "Try again.");
    }
    return reply;
  }

  /** @param {number} id @param {Reply} reply */
  #settle(id, reply) {
    this.#pending.get(id)?.(reply);
    this.#pending.delete(id);
  }
}

/** Of the extension and of the browser, for the head of the log. */
function versions() {
  const browser = /\b\w*Chrom\w*\/[\d.]+/.exec(navigator.userAgent)?.[0].replace("/", " ") ?? navigator.userAgent;
  const system = /\(([^)]*)\)/.exec(navigator.userAgent)?.[1] ?? "";
  return `Sidestream ${chrome.runtime.getManifest().version}, ${browser}${system && ` (${system})`}`;
}
