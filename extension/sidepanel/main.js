/**
 * The side panel: listens to the worker and to the user, and keeps the page in step with what is known.
 */

import { database } from "../shared/storage/database.js";
import { NEW_CHAT } from "../shared/storage/drafts.js";
import { shownIn } from "../shared/storage/shown-conversation.js";
import { hasEnded } from "../shared/turn.js";
import { byId, el, icon, setChildren } from "../ui/dom.js";
import { guardComposition } from "../ui/keys.js";
import { AttachMenu } from "./attachments/attach-menu.js";
import { AttachmentTray } from "./attachments/attachments.js";
import { takeImages } from "./attachments/image-input.js";
import { PageInput } from "./attachments/page-input.js";
import { listenToLeave } from "./attachments/page-permission.js";
import { Composer } from "./composer/composer.js";
import { DraftNotes } from "./composer/draft-notes.js";
import { Drafts } from "./composer/drafts.js";
import { takeLongTexts, titleOfText } from "./composer/long-text.js";
import { Conversation } from "./conversation/conversation.js";
import { ConversationView } from "./conversation/conversation-view.js";
import { Earlier } from "./conversation/earlier-turns.js";
import { Edits } from "./conversation/edits.js";
import { detailsText } from "./conversation/error-details.js";
import { Find } from "./conversation/find.js";
import { showLinkTargets } from "./conversation/link-target.js";
import { copyDetailsButton } from "./conversation/markdown-actions.js";
import { answererOf, statusText } from "./labels.js";
import { ConversationList } from "./list/conversation-list.js";
import { ConversationSettingsDialog } from "./settings/conversation-settings.js";
import { Unlock } from "./settings/unlock.js";
import { lackText, leaveText } from "./tools/permissions.js";
import { UsageMeter } from "./usage/meter.js";
import { Connection } from "./worker-link/connection.js";
import { Outbox } from "./worker-link/outbox.js";
import { Unanswered } from "./worker-link/pending-commands.js";

/** @import {Attachment, PanelCommand, PanelMessage, ProviderView, Turn, TurnError} from "../shared/protocol.js" */
/** @import {Sending} from "../shared/storage/drafts.js" */

guardComposition();
const conversation = new Conversation();
const drafts = new Drafts({
  onShow: showDraft,
  onTrouble: (text) => draftNotes.say(text),
  onUnsent,
});
const edits = new Edits(drafts);
const unanswered = new Unanswered();
const outbox = new Outbox();
/** @type {ProviderView | null} */
let provider = null;
/** @type {Extract<PanelMessage, {type: "Boot"}>} */
let boot = { type: "Boot", state: "starting", message: "" };
/** The worker was lost while a turn ran, and is being called. */
let isCalling = false;
/** Something to say about the last turn even when it is over. */
let lastTurnId = "";
/** Asked in the address bar before the worker has said who answers. @type {string[]} */
const questions = [];
/** The window that the panel is in. @type {number | undefined} */
let ownWindow;
/** The conversation whose draft is shown; "" while the worker has not said which it is. */
let written = "";
/** Whose draft is shown until then. @type {string | undefined} */
let expected;
/** The conversation that the user has asked for, */
let wanted = "";
/** and the one that was deleted here. */
let deleted = "";
/** Where messages came from that are being taken out of the queue, by their ids. @type {Map<string, string>} */
const cancelling = new Map();
/** What stands in the `alert` below the conversation: a fault of the panel or the worker, not of a turn. */
/** @type {{text: string, hint?: string, action: string, act: () => void, error?: TurnError} | null} */
let problem = null;

const connection = new Connection({
  onMessage,
  join: () => {
    const { id } = conversation;
    return {
      type: "Join",
      ...(id ? { conversation: id } : {}),
      ...(ownWindow === undefined ? {} : { window: ownWindow }),
    };
  },
  onOpen: () => {
    for (const message of conversation.unconfirmed) connection.send({ type: "Send", ...message });
    for (const message of edits.unconfirmed) connection.send({ type: "Send", ...message });
    for (const command of unanswered.again) connection.send(command);
    earlier.forget();
  },
  isExpecting: () =>
    conversation.running !== undefined ||
    conversation.unconfirmed.length > 0 ||
    isAsking() ||
    boot.state === "starting" ||
    unlock.isWaiting,
  onTrouble,
});

const view = new ConversationView({
  log: byId("conversation"),
  scroller: byId("stage"),
  jump: byId("jump"),
  onDrawn: () => {
    connection.acknowledge();
    find.drawn(conversation);
  },
  onFocusLost: () => composer.focus(),
  actions: {
    edits,
    conversation: () => conversation.id,
    changed: update,
    resend,
    showBranch: (turn, instead) => {
      view.awaitVersion(instead, turn);
      ask({ type: "ShowBranch", turn });
    },
    regenerate: (turn) => askForAnswer({ type: "Regenerate", id: crypto.randomUUID(), turn }),
    goOn: (turn) => askForAnswer({ type: "Continue", id: crypto.randomUUID(), turn }),
    compact: (retry) => askForAnswer({ type: "Compact", retry }),
    retry: (id) => askForAnswer({ type: "Retry", id }),
    sendNow: (id) => {
      connection.send({ type: "SendNow", id });
      composer.focus();
    },
    cancel: (id) => {
      cancelling.set(id, conversation.id);
      connection.send({ type: "Cancel", id });
    },
    decide: (call, decision) => {
      connection.send({ type: "Decide", call, ...decision });
      // One that holds for the whole conversation answers the others as well.
      const isForAll = decision.always || decision.never;
      if (isForAll || !view.focusQuestion(call)) composer.focus();
    },
    hosts: () => conversation.settings.network ?? [],
    openPermissions,
    openSettings,
  },
});

const find = new Find({
  bar: byId("find"),
  log: byId("conversation"),
  scroller: byId("stage"),
  loadEarlier: () => earlier.ask(),
  showBranch: (turn) => ask({ type: "ShowBranch", turn }),
  articlesOf: (turn) => view.articlesOf(turn),
  leaveEnd: () => view.leaveEnd(),
  focusElsewhere: () => composer.focus(),
});

const tray = new AttachmentTray({
  drafts,
  list: byId("tray"),
  note: byId("tray-note"),
  onChange: () => {
    composer.trayChanged();
    draftNotes.update();
  },
  onText: (text) => composer.insert(text),
});

const attachMenu = new AttachMenu({ button: byId("attach"), menu: byId("attach-menu") });

const pageInput = new PageInput({ tray, menu: attachMenu, onAttached: () => composer.focus(), onQuestion: askAnew });

takeImages({ tray, menu: attachMenu, picker: byId("pick-image"), box: byId("message") });

takeLongTexts(byId("message"), (text) => {
  const added = tray.add({ kind: "text", title: titleOfText(text) }, text);
  return () => added.then((attachment) => attachment && tray.remove(attachment));
});

const composer = new Composer({
  tray,
  drafts,
  form: byId("composer"),
  box: byId("message"),
  send: byId("send"),
  stop: byId("stop"),
  onSend: send,
  onStop: stop,
  onInput: () => connection.open(),
});

const draftNotes = new DraftNotes({
  drafts,
  window: () => usage.contextWindow,
  onChange: () => composer.focus(),
});

const list = new ConversationList({
  shown: () => conversation.id,
  onDelete: (id) => {
    deleted = id;
  },
  onOpen: (id, hit) => {
    if (problem?.act === dismiss) problem = null;
    wanted = id;
    find.close();
    if (hit) find.seek({ ...hit.place, query: hit.query, conversation: id });
    connection.send({ type: "Open", conversation: id });
    view.follow();
    update();
  },
});

const ownSettings = new ConversationSettingsDialog({
  state: () => ({
    provider,
    settings: conversation.settings,
    models: conversation.turns.flatMap(({ model }) => model ?? []),
  }),
  onSave: (settings) => ask({ type: "Configure", settings }),
  onCompact: () => askForAnswer({ type: "Compact" }),
  kept: () => drafts.current.form,
  keep: (form) => drafts.change({ form }),
});

const unlock = new Unlock({
  onPassphrase: (passphrase) => connection.send({ type: "Unlock", passphrase }),
  onDone: () => composer.focus(),
});

const earlier = new Earlier({
  button: byId("earlier"),
  scroller: byId("stage"),
  onAsk: (before) => connection.send({ type: "Earlier", before }),
});

const usage = new UsageMeter();

/** @param {PanelMessage} message */
function onMessage(message) {
  isCalling = false;
  switch (message.type) {
    case "Boot":
      boot = message;
      if (message.state === "ready") usage.load();
      if (message.state === "failed") {
        problem = { text: message.message, action: "Try again", act: restart };
      } else if (problem?.act === restart || problem?.act === reload) {
        problem = null;
      }
      break;
    case "Provider":
      onProvider(message.provider);
      break;
    case "Conversation": {
      const { id } = message.conversation;
      // Another panel has deleted what was shown here: what was being written goes along.
      const isMoved = written !== "" && id !== written && id !== wanted && written !== deleted;
      if (id !== conversation.id) leave();
      confirm(message.conversation.turns);
      conversation.receive(message);
      if (conversation.id === id) followDraft(isMoved);
      usage.showConversation(message.conversation);
      if (unanswered.settingsCame(conversation.settings)) ownSettings.saved();
      seekVersion();
      break;
    }
    case "Turn":
      confirm([message.turn]);
      if (!conversation.receive(message)) connection.join();
      break;
    case "Configured":
      conversation.receive(message);
      if (unanswered.settingsCame(conversation.settings)) ownSettings.saved();
      break;
    case "Earlier":
      confirm(message.turns);
      conversation.receive(message);
      seekVersion();
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
      conversation.confirm(message.id);
      confirmEdit(message.id);
      break;
    case "Cancelled":
      conversation.remove(message.id);
      if (message.text !== undefined) {
        const { text, attachments = [] } = message;
        putBack({ text, attachments, conversation: cancelling.get(message.id) ?? conversation.id });
      }
      cancelling.delete(message.id);
      break;
    case "Rejected":
      onRejected(message.error, message.id);
      break;
  }
  const unconfirmed = conversation.unconfirmed.map(({ id }) => id);
  outbox.settle(unconfirmed);
  drafts.settle(new Set(unconfirmed));
  followDraft();
  update();
}

/** @param {ProviderView} fresh */
function onProvider(fresh) {
  provider = fresh;
  for (const text of questions.splice(0)) askAnew(text);
  unlock.show(fresh.locked);
}

/**
 * @param {TurnError} error
 * @param {string} [id]
 */
function onRejected(error, id) {
  const message = id && conversation.takeBack(id);
  if (message) putBack(message);
  if (id) edits.reject(id);
  unanswered.rejected(id);
  // What was chosen in the header may have been it.
  delete profile.dataset.drawn;
  if (ownSettings.rejected(error)) return;
  if (unlock.rejected(error)) return;
  // A boot that failed has its own alert, whose button helps.
  if (boot.state === "failed") return;
  problem = { text: error.message, hint: error.hint, action: "Dismiss", act: dismiss, error };
}

/** @param {"lost" | "failing" | "gone"} reason */
function onTrouble(reason) {
  isCalling = true;
  if (reason === "failing") {
    isCalling = false;
    problem = {
      text: "The extension's background process does not start.",
      hint: "Your messages are safe. Try again, or restart the browser.",
      action: "Try again",
      act: reload,
    };
    const { running } = conversation;
    if (running) running.status = "interrupted";
  } else if (reason === "gone") {
    isCalling = false;
    problem = {
      text: "Sidestream was updated.",
      hint: "Load the panel again to go on.",
      action: "Load again",
      act: reload,
    };
  }
  update();
}

/**
 * @param {string} text
 * @param {Attachment[]} attachments
 * @param {boolean} [isDraft]  It is what is written in the box.
 * @returns {boolean}
 */
function send(text, attachments, isDraft = true) {
  if (!canSend()) {
    // What is written stays; who has no use of Send is led to what it needs.
    if (provider?.locked) unlock.focus();
    update();
    return false;
  }
  const id = crypto.randomUUID();
  if (problem?.act === dismiss) problem = null;
  connection.open();
  const at = Date.now();
  if (isDraft) drafts.send({ id, text, attachments });
  conversation.add(id, text, at, attachments);
  const message = { id, text, conversation: conversation.id, ...withAttachments(attachments) };
  outbox.keep({ ...message, at });
  connection.send({ type: "Send", ...message });
  followDraft();
  view.follow();
  update();
  return true;
}

/** @param {Attachment[]} attachments */
function withAttachments(attachments) {
  return attachments.length > 0 ? { attachments } : {};
}

/**
 * Sends an edited message.
 * @param {string} replaces
 * @param {string} text
 * @param {Attachment[]} attachments
 */
function resend(replaces, text, attachments) {
  if (!canSend()) return;
  if (problem?.act === dismiss) problem = null;
  connection.open();
  const message = { id: crypto.randomUUID(), text, conversation: conversation.id, ...withAttachments(attachments) };
  edits.send(replaces, message);
  connection.send({ type: "Send", ...message, replaces });
  view.follow();
  update();
}

/**
 * Asks the worker for something that may need asking again.
 * @param {PanelCommand} command
 */
function ask(command) {
  connection.open();
  unanswered.add(command);
  connection.send(command);
  update();
}

/**
 * Asks for an answer without a new message.
 * @param {PanelCommand} command
 */
function askForAnswer(command) {
  if (problem?.act === dismiss) problem = null;
  ask(command);
  view.follow();
  composer.focus();
}

/** Whether the worker has yet to say something to what was asked of it. */
function isAsking() {
  return unanswered.size > 0 || edits.unconfirmed.length > 0;
}

/**
 * The worker knows these turns.
 * @param {Turn[]} turns
 */
function confirm(turns) {
  unanswered.turnsCame(turns);
  for (const turn of turns) if (hasEnded(turn)) confirmEdit(turn.id);
}

/**
 * A turn is stored, or has ended: if it was an edit, that is over.
 * @param {string} id
 */
function confirmEdit(id) {
  const edited = edits.unconfirmed.length;
  edits.confirm(id);
  // The box that had the focus goes.
  if (edits.unconfirmed.length < edited) composer.focus();
}

/** Another conversation is shown, and what was asked of this one is not answered here any more. */
function leave() {
  unanswered.clear();
  edits.leave();
}

// --- what was typed and not sent ------------------------------------------------------------------------------------

/** Whose draft is shown; undefined while nobody knows. */
function placeOfDraft() {
  if (!conversation.id) return expected;
  return conversation.turns.length > 0 ? conversation.id : NEW_CHAT;
}

/**
 * Shows the draft of the conversation that is shown.
 * @param {boolean} [isMoved]  What was written in the one before goes along.
 */
function followDraft(isMoved = false) {
  const place = placeOfDraft();
  if (place === undefined) return;
  const isSame = written === conversation.id && written !== "";
  written = conversation.id;
  if (isSame && place !== NEW_CHAT) drafts.show(place, "begins");
  else drafts.show(place, isSame || isMoved ? "moves" : "");
}

function showDraft() {
  // Edits that became turns while another conversation was shown.
  for (const turn of conversation.turns) if (hasEnded(turn)) edits.confirm(turn.id);
  composer.show();
  draftNotes.update();
  update();
}

/**
 * Puts a message that was not sent back where it came from, before what was typed since.
 * @param {{text: string, attachments: Attachment[], conversation: string}} message
 */
async function putBack(message) {
  const { conversation: from } = message;
  const isHere = from === conversation.id || !from;
  drafts.putBack((isHere ? placeOfDraft() : await placeFor(from)) ?? NEW_CHAT, message);
  if (isHere) composer.focus();
}

/** @param {string | undefined} id  Of a conversation. @returns {Promise<string>} */
async function placeFor(id) {
  const stored = id && (await (await database()).get("conversations", id).catch(() => undefined));
  return stored?.turns > 0 ? stored.id : NEW_CHAT;
}

/**
 * What was sent and is not stored: the panel or the browser ended before the worker had it. As long as the browser runs it is sent again,
 * under its id; what comes up on another day is for the user to send.
 * @param {string | undefined} from
 * @param {Sending[]} unsent
 * @param {boolean} isBefore
 * @returns {Sending[]}
 */
function onUnsent(from, unsent, isBefore) {
  const known = new Set(conversation.unconfirmed.map(({ id }) => id));
  const lost = unsent.filter(({ id }) => !known.has(id));
  if (isBefore || !from || (conversation.id && from !== conversation.id)) return lost;
  if (lost.length > 0 && !conversation.id) conversation.begin(from);
  for (const { id, text, attachments } of lost) {
    conversation.add(id, text, Date.now(), attachments);
    connection.send({ type: "Send", id, text, conversation: from, ...withAttachments(attachments) });
  }
  return [];
}

/** The version that was asked for may come before all that is here. */
function seekVersion() {
  earlier.update(conversation.turns[0]?.id, conversation.earlier);
  if (unanswered.seeksVersion) earlier.ask();
}

function stop() {
  if (conversation.running) connection.send({ type: "Stop" });
}

function restart() {
  problem = null;
  boot = { type: "Boot", state: "starting", message: "" };
  connection.send({ type: "Restart" });
  update();
}

function reload() {
  location.reload();
}

function dismiss() {
  problem = null;
  update();
  composer.focus();
}

function problemDetails() {
  if (!problem) return "";
  const { text, hint, error = { kind: "internal", message: text, hint } } = problem;
  return detailsText(error, { model: answererOf(provider, conversation.settings).model });
}

function openPermissions() {
  ownSettings.show("permissions");
}

function beginChat() {
  const id = crypto.randomUUID();
  leave();
  wanted = id;
  conversation.begin(id);
  connection.send({ type: "NewChat", conversation: id });
  followDraft();
  update();
  composer.focus();
}

/**
 * What was asked in the address bar is sent in a new conversation, once it is known whether anybody answers.
 * @param {string} text
 */
function askAnew(text) {
  if (provider === null) {
    questions.push(text);
    return;
  }
  beginChat();
  // What is written in the box of a new chat stays what it is.
  written = "";
  if (!send(text, [], false)) drafts.putBack(NEW_CHAT, { text, attachments: [] });
}

function openSettings() {
  chrome.runtime.openOptionsPage();
}

/** Before the worker has said who answers, messages wait there. */
function canSend() {
  return provider === null || (provider.configured && !provider.locked);
}

function update() {
  const { turns, running } = conversation;
  const last = turns.findLast((turn) => !turn.waiting);
  if (running) lastTurnId = running.id;
  // Code that is run shares its variables with the conversation's other code.
  byId("conversation").dataset.conversation = conversation.id;
  const { name, model } = answererOf(provider, conversation.settings);
  byId("model").textContent = (provider?.configured && model) || "Sidestream";
  byId("provider").textContent = provider?.configured ? name : "";
  showProfiles();
  showOwnSettings();
  byId("demo").hidden = !provider?.demo;
  byId("onboarding").hidden = provider === null || provider.configured || turns.length > 0;
  byId("empty").hidden = !provider?.configured || provider.locked || turns.length > 0;

  byId("problem").hidden = problem === null;
  if (problem) {
    byId("problem-text").textContent = problem.text;
    byId("problem-hint").textContent = problem.hint ?? "";
    byId("problem-hint").hidden = !problem.hint;
    byId("problem-action").textContent = problem.action;
  }

  const text = statusText({ boot, running, last: last?.id === lastTurnId ? last : undefined, isCalling, model });
  if (byId("status").textContent !== text) byId("status").textContent = text;
  composer.update({ running: running !== undefined, ready: canSend() });
  const state = { isBusy: conversation.isActive || isAsking(), isAsking: isAsking() };
  earlier.update(turns[0]?.id, conversation.earlier);
  ownSettings.update(!state.isBusy && turns.length > 0 && turns.at(-1)?.kind !== "compaction");
  view.show(turns, state);
  countDown(turns.some((turn) => turn.waiting?.until));
}

/** @type {ReturnType<typeof setInterval> | undefined} */
let countingDown;

/** @param {boolean} isNeeded  Whether a waiting message shows how long it has to wait. */
function countDown(isNeeded) {
  if (isNeeded) countingDown ??= setInterval(update, 1000);
  else if (countingDown) {
    clearInterval(countingDown);
    countingDown = undefined;
  }
}

// --- the provider profiles --------------------------------------------------------------------------

/** @type {HTMLSelectElement} */
const profile = byId("profile");

/**
 * In place of the provider's name, where there is a choice. It is the choice for this conversation where that has one of its own, else
 * for all that have none.
 */
function showProfiles() {
  const { profiles = [] } = provider ?? {};
  const { id, hasOwnProfile } = answererOf(provider, conversation.settings);
  profile.hidden = profiles.length < 2;
  byId("provider").hidden = !profile.hidden;
  profile.title = hasOwnProfile
    ? "Answers in this conversation"
    : "Answers in all conversations without a profile of their own";
  const drawn = JSON.stringify([profiles, id]);
  if (profile.dataset.drawn === drawn) return;
  profile.dataset.drawn = drawn;
  setChildren(
    profile,
    profiles.map(({ id, name, model }) => el("option", { value: id }, `${name} · ${model}`)),
  );
  profile.value = id ?? "";
}

profile.addEventListener("change", () => {
  const { settings } = conversation;
  if (answererOf(provider, settings).hasOwnProfile) {
    // A model of its own is the other provider's.
    const { model: _, ...others } = settings;
    ask({ type: "Configure", settings: { ...others, profile: profile.value } });
    return;
  }
  connection.open();
  connection.send({ type: "ActivateProfile", id: profile.value });
});

// --- the conversation's own settings ---------------------------------------------------------------

function showOwnSettings() {
  const button = byId("show-conversation-settings");
  const hasOwn = Object.keys(conversation.settings).length > 0;
  button.hidden = !provider?.configured;
  button.classList.toggle("has-own", hasOwn);
  button.title = hasOwn ? "Conversation settings: some are its own" : "Conversation settings";
  const { name, tools } = answererOf(provider, conversation.settings);
  const may = leaveText(conversation.settings, tools);
  byId("may").hidden = !provider?.configured;
  byId("may").title = "What this conversation may do";
  const line = may ? `May use: ${may}` : "May use no tools";
  const lack = lackText(conversation.settings, name, tools);
  byId("may-text").textContent = lack ? `${line}. ${lack}` : line;
}

// --- the rest of the page ---------------------------------------------------------------------------

for (const place of document.querySelectorAll("[data-icon]")) {
  place.append(icon(/** @type {any} */ (/** @type {HTMLElement} */ (place).dataset.icon)));
}
for (const button of document.querySelectorAll("[data-open-settings]")) button.addEventListener("click", openSettings);
byId("settings").addEventListener("click", openSettings);
byId("show-conversation-settings").addEventListener("click", () => ownSettings.show());
byId("may").addEventListener("click", openPermissions);
byId("show-conversations").addEventListener("click", () => list.show());
byId("problem-action").addEventListener("click", () => problem?.act());
byId("problem-action").after(copyDetailsButton(problemDetails));
byId("show-find").addEventListener("click", () => find.open());
byId("new-chat").addEventListener("click", beginChat);
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.defaultPrevented || !conversation.running) return;
  event.preventDefault();
  stop();
});

// The worker sleeps while nobody needs it: it is woken by whoever comes back, and by settings that have changed
// meanwhile.
addEventListener("focus", () => connection.open());
// A worker does not hear of it.
addEventListener("online", () => connection.send({ type: "Wake" }));
chrome.storage.onChanged.addListener((_changes, area) => {
  if (area === "local") connection.open();
});

for (const { id, text, conversation: target, at, attachments } of outbox.takeOver()) {
  if (target && target !== conversation.id) conversation.begin(target);
  conversation.add(id, text, at, attachments);
}
composer.focus();
update();
// A panel that is closed and opened again shows what its window showed.
ownWindow = await chrome.windows.getCurrent().then(
  (window) => window.id,
  () => undefined,
);
listenToLeave(ownWindow);
showLinkTargets(byId("stage"));
drafts.open(ownWindow).catch((error) => console.warn("Drafts cannot be kept:", error));
connection.open();
pageInput.listen(ownWindow);
// The worker may be asleep; what was typed need not wait for it.
expected = await shownIn(ownWindow).then(placeFor, () => NEW_CHAT);
followDraft();
