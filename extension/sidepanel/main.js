/**
 * The side panel: listens to the worker and to the user, and keeps the page in step with what is known.
 */

import { byId, el, icon } from "../ui/dom.js";
import { Composer } from "./composer.js";
import { Connection } from "./connection.js";
import { Conversation } from "./conversation.js";
import { ConversationList } from "./conversation-list.js";
import { ConversationView } from "./conversation-view.js";
import { statusText } from "./words.js";

/** @import {PanelMessage, ProviderView, TurnError} from "../protocol.js" */

/** @type {HTMLInputElement} */
const passphrase = byId("passphrase");
const conversation = new Conversation();
/** @type {ProviderView | null} */
let provider = null;
/** @type {Extract<PanelMessage, {type: "Boot"}>} */
let boot = { type: "Boot", state: "starting", message: "" };
/** The worker was lost while a turn ran, and is being called. */
let isCalling = false;
let isUnlocking = false;
/** Something to say about the last turn even when it is over. */
let lastTurnId = "";
/** The window that the panel is in. @type {number | undefined} */
let ownWindow;
/** What stands in the `alert` below the conversation: a fault of the panel or the worker, not of a turn. */
/** @type {{text: string, hint?: string, action: string, act: () => void} | null} */
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
  },
  isExpecting: () =>
    conversation.running !== undefined ||
    conversation.unconfirmed.length > 0 ||
    boot.state === "starting" ||
    isUnlocking,
  onTrouble,
});

const view = new ConversationView({
  log: byId("conversation"),
  scroller: byId("stage"),
  jump: byId("jump"),
  onDrawn: () => connection.acknowledge(),
  actions: {
    retry: (id) => {
      connection.send({ type: "Retry", id });
      composer.focus();
    },
    sendNow: (id) => {
      connection.send({ type: "SendNow", id });
      composer.focus();
    },
    cancel: (id) => connection.send({ type: "Cancel", id }),
    openSettings,
  },
});

const composer = new Composer({
  form: byId("composer"),
  box: byId("message"),
  send: byId("send"),
  stop: byId("stop"),
  onSend: send,
  onStop: stop,
  onInput: () => connection.open(),
});

const list = new ConversationList({
  shown: () => conversation.id,
  onOpen: (id) => {
    if (problem?.act === dismiss) problem = null;
    connection.send({ type: "Open", conversation: id });
    view.follow();
    update();
  },
});

/** @param {PanelMessage} message */
function onMessage(message) {
  isCalling = false;
  switch (message.type) {
    case "Boot":
      boot = message;
      if (message.state === "failed") {
        problem = { text: message.message, action: "Try again", act: restart };
      } else if (problem?.act === restart || problem?.act === reload) {
        problem = null;
      }
      break;
    case "Provider":
      onProvider(message.provider);
      break;
    case "Conversation":
    case "Turn":
    case "Events":
      if (!conversation.receive(message)) connection.join();
      break;
    case "Cancelled":
      conversation.remove(message.id);
      if (message.text) composer.putBack(message.text);
      break;
    case "Rejected":
      onRejected(message.error, message.id);
      break;
  }
  update();
}

/** @param {ProviderView} fresh */
function onProvider(fresh) {
  const was = provider;
  provider = fresh;
  if (was?.locked === fresh.locked) return;
  byId("locked").hidden = !fresh.locked;
  if (fresh.locked) passphrase.focus();
  else if (was) closeUnlock();
}

/**
 * @param {TurnError} error
 * @param {string} [id]
 */
function onRejected(error, id) {
  const text = id && conversation.takeBack(id);
  if (text) composer.putBack(text);
  if (isUnlocking) {
    isUnlocking = false;
    showUnlockError(error);
    return;
  }
  // A boot that failed has its own alert, whose button helps.
  if (boot.state === "failed") return;
  problem = { text: error.message, hint: error.hint, action: "Dismiss", act: dismiss };
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
 * @returns {boolean}
 */
function send(text) {
  if (!canSend()) {
    update();
    return false;
  }
  const id = crypto.randomUUID();
  if (problem?.act === dismiss) problem = null;
  connection.open();
  conversation.add(id, text, Date.now());
  connection.send({ type: "Send", id, text, conversation: conversation.id });
  view.follow();
  update();
  return true;
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
  byId("model").textContent = (provider?.configured && provider.model) || "Sidestream";
  byId("provider").textContent = provider?.configured ? provider.name : "";
  showProfiles();
  byId("demo").hidden = !provider?.demo;
  byId("onboarding").hidden = provider === null || provider.configured || turns.length > 0;
  byId("locked").hidden = !provider?.locked;
  byId("empty").hidden = !provider?.configured || provider.locked || turns.length > 0;

  byId("problem").hidden = problem === null;
  if (problem) {
    byId("problem-text").textContent = problem.text;
    byId("problem-hint").textContent = problem.hint ?? "";
    byId("problem-hint").hidden = !problem.hint;
    byId("problem-action").textContent = problem.action;
  }

  const text = statusText({ boot, running, last: last?.id === lastTurnId ? last : undefined, isCalling, provider });
  if (byId("status").textContent !== text) byId("status").textContent = text;
  composer.update({ running: running !== undefined, ready: canSend() });
  view.show(turns);
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

/** In place of the provider's name, where there is a choice. */
function showProfiles() {
  const { profiles = [], active = null } = provider ?? {};
  profile.hidden = profiles.length < 2;
  byId("provider").hidden = !profile.hidden;
  const drawn = JSON.stringify([profiles, active]);
  if (profile.dataset.drawn === drawn) return;
  profile.dataset.drawn = drawn;
  profile.replaceChildren(...profiles.map(({ id, name, model }) => el("option", { value: id }, `${name} · ${model}`)));
  profile.value = active ?? "";
}

profile.addEventListener("change", () => {
  connection.open();
  connection.send({ type: "ActivateProfile", id: profile.value });
});

// --- the passphrase ---------------------------------------------------------------------------------

byId("unlock").addEventListener("submit", (event) => {
  event.preventDefault();
  if (!passphrase.value) {
    showUnlockError({ kind: "configuration", message: "Enter your passphrase." });
    return;
  }
  isUnlocking = true;
  byId("unlock-error").hidden = true;
  passphrase.removeAttribute("aria-invalid");
  connection.send({ type: "Unlock", passphrase: passphrase.value });
  passphrase.value = "";
});

/** @param {TurnError} error */
function showUnlockError(error) {
  const field = byId("unlock-error");
  field.textContent = [error.message, error.hint].filter(Boolean).join(" ");
  field.hidden = false;
  passphrase.setAttribute("aria-invalid", "true");
  passphrase.focus();
}

function closeUnlock() {
  isUnlocking = false;
  passphrase.value = "";
  byId("unlock-error").hidden = true;
  composer.focus();
}

// --- the rest of the page ---------------------------------------------------------------------------

for (const place of document.querySelectorAll("[data-icon]")) {
  place.append(icon(/** @type {any} */ (/** @type {HTMLElement} */ (place).dataset.icon)));
}
for (const button of document.querySelectorAll("[data-open-settings]")) button.addEventListener("click", openSettings);
byId("settings").addEventListener("click", openSettings);
byId("show-conversations").addEventListener("click", () => list.show());
byId("problem-action").addEventListener("click", () => problem?.act());
byId("new-chat").addEventListener("click", () => {
  const id = crypto.randomUUID();
  conversation.begin(id);
  connection.send({ type: "NewChat", conversation: id });
  update();
  composer.focus();
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.isComposing || event.defaultPrevented || !conversation.running) return;
  event.preventDefault();
  stop();
});

// The worker sleeps while nobody needs it: it is woken by whoever comes back, and by settings that have changed
// meanwhile.
addEventListener("focus", () => connection.open());
chrome.storage.onChanged.addListener((_changes, area) => {
  if (area === "local") connection.open();
});

composer.focus();
update();
// A panel that is closed and opened again shows what its window showed.
ownWindow = await chrome.windows.getCurrent().then(
  (window) => window.id,
  () => undefined,
);
connection.open();
