/** Makes the parts of the side panel, wires them together and starts them. */

import { shownIn } from "../shared/storage/shown-conversation.js";
import { byId, icon } from "../ui/dom.js";
import { guardComposition } from "../ui/keys.js";
import { localise } from "../ui/localise.js";
import { answererOf } from "./answerer.js";
import { AttachMenu } from "./attachments/attach-menu.js";
import { AttachmentTray } from "./attachments/attachments.js";
import { takeImages } from "./attachments/image-input.js";
import { PageInput } from "./attachments/page-input.js";
import { listenForPermission } from "./attachments/page-permission.js";
import { Composer } from "./composer/composer.js";
import { takeLongTexts, titleOfText } from "./composer/long-text.js";
import { MessageSender } from "./composer/message-sender.js";
import { ShownDraft } from "./composer/shown-draft.js";
import { Conversation } from "./conversation/conversation.js";
import { ConversationView } from "./conversation/conversation-view.js";
import { EarlierTurns } from "./conversation/earlier-turns.js";
import { Edits } from "./conversation/edits.js";
import { Find } from "./conversation/find.js";
import { showLinkTargets } from "./conversation/link-target.js";
import { Navigation } from "./conversation/navigation.js";
import { turnCommands } from "./conversation/turn-commands.js";
import { DraftNotes } from "./drafts/draft-notes.js";
import { Drafts } from "./drafts/drafts.js";
import { Header } from "./header.js";
import { ConversationList } from "./list/conversation-list.js";
import { Panel } from "./panel.js";
import { ProblemAlert } from "./problem-alert.js";
import { ConversationSettingsDialog } from "./settings/conversation-settings.js";
import { Unlock } from "./settings/unlock.js";
import { PermissionSummary } from "./tools/permission-summary.js";
import { UsageMeter } from "./usage/meter.js";
import { WorkerConnection } from "./worker-link/connection.js";
import { Outbox } from "./worker-link/outbox.js";
import { PendingCommands } from "./worker-link/pending-commands.js";

/** @import {PanelCommand} from "../shared/protocol.js" */

localise(document);
guardComposition();

const log = byId("conversation");
const scroller = byId("stage");
const box = /** @type {HTMLTextAreaElement} */ (byId("message"));
/** The window that the panel is in. @type {number | undefined} */
let ownWindow;

const ask = (/** @type {PanelCommand} */ command) => panel.ask(command);
const askForAnswer = (/** @type {PanelCommand} */ command) => panel.askForAnswer(command);
const update = () => panel.update();
const showEnd = () => {
  problem.clear("command");
  view.follow();
  update();
};
const focusComposer = () => composer.focus();
const openPermissions = () => settingsDialog.show("permissions");
const openSettings = () => {
  chrome.runtime.openOptionsPage();
};

// --- the conversation and the connection to the worker --------------------------------------------------------------

const conversation = new Conversation();
const drafts = new Drafts({
  onShow: () => panel.showDraft(),
  onTrouble: (text) => draftNotes.say(text),
  onUnsent: (from, unsent, isBefore) => sender.sendUnsent(from, unsent, isBefore),
});
const shownDraft = new ShownDraft({ conversation, drafts, onPutBack: focusComposer });
const edits = new Edits(drafts);
const pending = new PendingCommands();

const connection = new WorkerConnection({
  onMessage: (message) => panel.onMessage(message),
  join: () => {
    const { id } = conversation;
    return {
      type: "Join",
      ...(id ? { conversation: id } : {}),
      ...(ownWindow === undefined ? {} : { window: ownWindow }),
    };
  },
  onOpen: () => {
    sender.sendAgain();
    for (const command of pending.again) connection.send(command);
    earlier.forget();
  },
  isExpecting: () =>
    conversation.running !== undefined ||
    conversation.unconfirmed.length > 0 ||
    panel.isAsking ||
    !panel.isReady ||
    unlock.isWaiting,
  onTrouble: (reason) => panel.onTrouble(reason),
});

const sender = new MessageSender({
  conversation,
  connection,
  drafts,
  edits,
  outbox: new Outbox(),
  shownDraft,
  canSend: () => panel.canSend,
  onRefused: () => {
    if (panel.provider?.locked) unlock.focus();
    update();
  },
  onSent: showEnd,
  onEditStored: focusComposer,
});

// --- the conversation on the screen ---------------------------------------------------------------------------------

/** @type {ConversationView} */
const view = new ConversationView({
  log,
  scroller,
  jump: byId("jump"),
  onDrawn: () => {
    connection.acknowledge();
    find.drawn(conversation);
  },
  onFocusLost: focusComposer,
  actions: turnCommands({
    conversation,
    view: () => view,
    connection,
    sender,
    edits,
    ask,
    askForAnswer,
    update,
    focusComposer,
    openPermissions,
    openSettings,
  }),
});

const earlier = new EarlierTurns({
  button: byId("earlier"),
  scroller,
  onAsk: (before) => connection.send({ type: "Earlier", before }),
});

const find = new Find({
  bar: byId("find"),
  log,
  scroller,
  loadEarlier: () => earlier.ask(),
  showBranch: (turn) => ask({ type: "ShowBranch", turn }),
  articlesOf: (turn) => view.articlesOf(turn),
  leaveEnd: () => view.leaveEnd(),
  focusElsewhere: focusComposer,
});

const navigation = new Navigation({
  conversation,
  connection,
  pending,
  drafts,
  shownDraft,
  edits,
  sender,
  find,
  knowsProvider: () => panel.provider !== null,
  onOpen: showEnd,
  onBegin: () => {
    update();
    focusComposer();
  },
});

// --- where the user writes ------------------------------------------------------------------------------------------

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

const pageInput = new PageInput({
  tray,
  menu: attachMenu,
  onAttached: focusComposer,
  onQuestion: (text) => navigation.askInNewChat(text),
});

takeImages({ tray, menu: attachMenu, picker: byId("pick-image"), box });

takeLongTexts(box, (text) => {
  const added = tray.add({ kind: "text", title: titleOfText(text) }, text);
  return () => added.then((attachment) => attachment && tray.remove(attachment));
});

const composer = new Composer({
  tray,
  drafts,
  form: byId("composer"),
  box,
  send: byId("send"),
  stop: byId("stop"),
  onSend: (text, attachments) => sender.send(text, attachments),
  onStop: () => panel.stop(),
  onInput: () => connection.open(),
});

const draftNotes = new DraftNotes({ drafts, window: () => usage.contextWindow, onChange: focusComposer });

// --- dialogs, the header and the lines around the conversation ------------------------------------------------------

const list = new ConversationList({
  shown: () => conversation.id,
  onDelete: (id) => shownDraft.delete(id),
  onOpen: (id, hit) => navigation.open(id, hit),
});

const settingsDialog = new ConversationSettingsDialog({
  state: () => ({
    provider: panel.provider,
    settings: conversation.settings,
    models: conversation.turns.flatMap(({ model }) => model ?? []),
  }),
  onSave: (settings) => ask({ type: "Configure", settings }),
  onCompact: () => askForAnswer({ type: "Compact" }),
  kept: () => drafts.current.form,
  keep: (form) => drafts.change({ form }),
});

const header = new Header({
  state: () => ({ provider: panel.provider, settings: conversation.settings }),
  onConfigure: (settings) => ask({ type: "Configure", settings }),
  onActivate: (id) => {
    connection.open();
    connection.send({ type: "ActivateProfile", id });
  },
});

const unlock = new Unlock({
  onPassphrase: (passphrase) => connection.send({ type: "Unlock", passphrase }),
  onDone: focusComposer,
});

const problem = new ProblemAlert({
  model: () => answererOf(panel.provider, conversation.settings).model,
  onRestart: () => panel.restart(),
  onDismiss: () => panel.dismissProblem(),
});

const usage = new UsageMeter();
const permissionSummary = new PermissionSummary(openPermissions);

const panel = new Panel({
  conversation,
  navigation,
  edits,
  pending,
  connection,
  view,
  earlier,
  composer,
  draftNotes,
  shownDraft,
  sender,
  header,
  settingsDialog,
  permissionSummary,
  unlock,
  usage,
  problem,
});

// --- the rest of the page -------------------------------------------------------------------------------------------

for (const place of document.querySelectorAll("[data-icon]")) {
  place.append(icon(/** @type {any} */ (/** @type {HTMLElement} */ (place).dataset.icon)));
}
for (const button of document.querySelectorAll("[data-open-settings]")) button.addEventListener("click", openSettings);
byId("settings").addEventListener("click", openSettings);
byId("show-conversation-settings").addEventListener("click", () => settingsDialog.show());
byId("show-conversations").addEventListener("click", () => list.show());
byId("show-find").addEventListener("click", () => find.open());
byId("new-chat").addEventListener("click", () => navigation.beginChat());
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.defaultPrevented || !conversation.running) return;
  event.preventDefault();
  panel.stop();
});

// The worker sleeps while nobody needs it. A user who comes back wakes it, and so do settings that have changed.
addEventListener("focus", () => connection.open());
// A worker gets no event when the network is back.
addEventListener("online", () => connection.send({ type: "Wake" }));
chrome.storage.onChanged.addListener((_changes, area) => {
  if (area === "local") connection.open();
});

sender.takeOver();
composer.focus();
update();
// A panel that is closed and opened again shows what its window showed.
ownWindow = await chrome.windows.getCurrent().then(
  (window) => window.id,
  () => undefined,
);
listenForPermission(ownWindow);
showLinkTargets(scroller);
drafts.open(ownWindow).catch((error) => console.warn("Drafts cannot be kept:", error));
connection.open();
pageInput.listen(ownWindow);
// The worker may be asleep, but the draft need not wait for it.
await shownIn(ownWindow).then(
  (id) => shownDraft.expect(id),
  () => shownDraft.expect(undefined),
);
