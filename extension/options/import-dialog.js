/** The dialog that imports a Codex sign-in or exported settings, from a file or from what is pasted. */

import { list, text } from "../shared/text.js";
import { byId, el, setChildren } from "../ui/dom.js";
import { revealed } from "../ui/revealed.js";
import { isAllowed } from "./access.js";
import { ask } from "./ask.js";
import { permissionsForAuthJson } from "./form.js";
import { during, say } from "./messages.js";

/** @import {Settings} from "../shared/protocol.js" */
/** @import {MessageKey} from "../shared/text.js" */
/** @import {SettingsView} from "../shared/requests.js" */
/**
 * @typedef {(stored: SettingsView, id: string | null) => void} OnImported  Gets what is stored now, and the profile to
 *   show.
 */

/**
 * @typedef {object} Import
 * @property {"ImportAuthJson" | "ImportSettings"} type
 * @property {MessageKey} title
 * @property {MessageKey} hint
 * @property {(content: string) => string[]} origins  What has to be asked for first.
 */

/** @type {Import} */
export const AUTH_JSON = {
  type: "ImportAuthJson",
  title: "options_sign_in_import",
  hint: "options_import_sign_in_hint",
  origins: permissionsForAuthJson,
};
/** @type {Import} */
export const SETTINGS = {
  type: "ImportSettings",
  title: "options_import_settings",
  hint: "options_import_settings_hint",
  origins: () => [],
};
let importing = AUTH_JSON;
/** Whose text is still in the dialog: Escape takes nothing away that was typed. @type {Import | null} */
let keptFor = null;

const importDialog = /** @type {HTMLDialogElement} */ (byId("import"));
const importText = /** @type {HTMLTextAreaElement} */ (byId("import-text"));
const importFile = /** @type {HTMLInputElement} */ (byId("import-file"));

/** @param {Import} what */
export function openImport(what) {
  importing = what;
  byId("import-title").textContent = text(what.title);
  byId("import-hint").textContent = text(what.hint);
  if (keptFor !== what) clearImport();
  keptFor = null;
  importDialog.showModal();
}

/** What was pasted may be secret, so it goes as soon as it is of no use, and is nowhere but on this page. */
function clearImport() {
  importText.value = "";
  importFile.value = "";
  importProblem("");
  hideReview();
}

/** The text whose instructions are in view. @type {string | null} */
let reviewed = null;

function hideReview() {
  reviewed = null;
  byId("import-review").hidden = true;
  byId("import-review-profiles").replaceChildren();
}

/**
 * Shows what the profiles of a file bring, before any of it takes effect.
 * @param {string} content
 * @param {Settings[]} profiles
 */
function review(content, profiles) {
  reviewed = content;
  setChildren(byId("import-review-profiles"), profiles.map(broughtView));
  byId("import-review").hidden = false;
  // What scrolls has to be reached by the keyboard.
  byId("import-review-profiles").tabIndex = 0;
  byId("import-review-profiles").focus();
}

/** @param {Settings} settings */
function broughtView({ name, base_url, instructions = "", http_headers = {}, query_params = {} }) {
  const added = [...Object.entries(http_headers), ...Object.entries(query_params)].map((entry) => entry.join(": "));
  return el(
    "div",
    {},
    el("h3", { dir: "auto" }, revealed(name)),
    el("p", {}, revealed(base_url)),
    added.length > 0 ? el("p", {}, text("options_import_also_sends", revealed(list(added)))) : null,
    el("pre", { dir: "auto" }, revealed(instructions)),
  );
}

/** @param {string} problem */
function importProblem(problem) {
  byId("import-error").textContent = problem;
  byId("import-error").hidden = !problem;
}

async function readImportFile() {
  const [file] = importFile.files ?? [];
  if (!file) return;
  importProblem("");
  hideReview();
  importText.value = await file.text().catch(() => "");
  if (!importText.value) importProblem(text("options_import_unreadable"));
}

/** @param {OnImported} onImported */
async function carryOutImport(onImported) {
  const content = importText.value;
  const { type, origins } = importing;
  if (!content.trim()) return importProblem(text("options_import_empty"));
  if (!(await isAllowed(origins(content)))) return importDialog.close();
  await during(text("options_importing"), async () => {
    const isSeen = content === reviewed;
    const reply = await ask(
      type === "ImportSettings" ? { type, text: content, seen: isSeen } : { type, text: content },
    );
    if (!reply.ok) {
      say("");
      return importProblem([reply.error.message, reply.error.hint].filter(Boolean).join(" "));
    }
    if (reply.brings_profiles) {
      say("");
      return review(content, reply.brings_profiles);
    }
    hideReview();
    importDialog.close();
    const id = reply.profile_id ?? reply.active;
    onImported(reply, id);
    const name = reply.profiles.find((profile) => profile.id === id)?.settings.name ?? "";
    const leftOut = reply.left_out?.length ? text("options_import_left_out", list(reply.left_out)) : "";
    if (reply.message) say([reply.message, leftOut].filter(Boolean).join(" "));
    else say(text(id === reply.active ? "options_import_ready" : "options_import_inactive", name));
  });
}

/** @param {OnImported} onImported */
export function setUpImports(onImported) {
  importFile.addEventListener("change", readImportFile);
  importText.addEventListener("input", () => {
    importProblem("");
    hideReview();
  });
  importDialog.addEventListener("cancel", () => {
    keptFor = importing;
  });
  importDialog.addEventListener("close", () => {
    if (!keptFor) clearImport();
  });
  byId("import-no").addEventListener("click", () => importDialog.close());
  byId("import-form").addEventListener("submit", (event) => {
    event.preventDefault();
    carryOutImport(onImported);
  });
}
