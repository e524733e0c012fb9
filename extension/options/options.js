/**
 * The options page: its parts, and what is wired to what. The page talks to the worker with one-shot requests; the API
 * key travels towards the worker only and is never shown.
 */

import { byId } from "../ui/dom.js";
import { guardComposition } from "../ui/keys.js";
import { localise } from "../ui/localise.js";
import { isAllowed } from "./access.js";
import { ask } from "./ask.js";
import { exportSettings, resetEverything } from "./data-actions.js";
import "./error-log.js";
import { AUTH_JSON, openImport, SETTINGS, setUpImports } from "./import-dialog.js";
import { ModelHints } from "./model-hints.js";
import { ProfileActions } from "./profile-actions.js";
import { ProfileList } from "./profile-list.js";
import { confirmed } from "./question.js";
import { SettingsForm } from "./settings-form.js";

localise(document);
guardComposition();

const hints = new ModelHints(ask);
const form = new SettingsForm({ hints, onRefresh: refreshPage });
const list = new ProfileList({
  onSelect: (id) => actions.select(id),
  onActivate: (id) => actions.activate(id),
});
const actions = new ProfileActions({ form, list, hints, ask, confirmed, isAllowed });

/** What depends on the form and stands outside of it. */
function refreshPage() {
  const { profiles = [], active = null, demo } = form.stored;
  byId("demo").hidden = !demo;
  byId("unsaved").hidden = !form.isChanged;
  byId("remove-profile").hidden = !form.profile;
  list.draw({ profiles, active, selected: form.profile?.id ?? null });
}

/** @param {Parameters<typeof openImport>[0]} what */
async function offerImport(what) {
  if (await actions.mayDiscard()) openImport(what);
}

/** @type {Record<string, () => unknown>} */
const CLICKS = {
  test: () => actions.test(),
  "load-models": () => actions.loadModels(),
  "remove-key": () => actions.removeKey(),
  "remove-sign-in": () => actions.removeSignIn(),
  "remove-passphrase": () => actions.removePassphrase(),
  "remove-profile": () => actions.remove(),
  "import-auth": () => offerImport(AUTH_JSON),
  "bring-sign-in": () => offerImport(AUTH_JSON),
  "import-settings": () => offerImport(SETTINGS),
  "export-settings": () => exportSettings(ask),
  reset: () => resetEverything({ ask, confirmed, onReset: (stored) => form.show(stored) }),
};
for (const [id, act] of Object.entries(CLICKS)) byId(id).addEventListener("click", act);
byId("form").addEventListener("submit", (event) => {
  event.preventDefault();
  actions.save();
});
setUpImports((stored, id) => form.show(stored, id));
addEventListener("beforeunload", (event) => {
  if (form.isChanged) event.preventDefault();
});
chrome.storage.onChanged.addListener((changes, area) => {
  if (area === "local" && (changes.profiles || changes.active_profile || changes.vault)) actions.catchUp();
});

actions.load();
