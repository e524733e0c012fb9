/** The dialog that imports a Codex sign-in or exported settings, from a file or from what is pasted. */

import { byId, el, setChildren } from "../ui/dom.js";
import { revealed } from "../ui/revealed.js";
import { isAllowed } from "./access.js";
import { ask } from "./ask.js";
import { permissionsForAuthJson } from "./form.js";
import { during, say } from "./messages.js";

/** @import {Settings} from "../shared/protocol.js" */
/** @import {SettingsView} from "../shared/requests.js" */
/**
 * @typedef {(stored: SettingsView, id: string | null) => void} OnImported  Gets what is stored now, and the profile to
 *   show.
 */

/**
 * @typedef {object} Import
 * @property {"ImportAuthJson" | "ImportSettings"} type
 * @property {string} title
 * @property {string} hint
 * @property {(text: string) => string[]} origins  What has to be asked for first.
 */

/** @type {Import} */
export const AUTH_JSON = {
  type: "ImportAuthJson",
  title: "Import Codex sign-in",
  hint: "The file ~/.codex/auth.json, which codex login makes. Its tokens or its API key are stored encrypted, and sent to OpenAI only.",
  origins: permissionsForAuthJson,
};
/** @type {Import} */
export const SETTINGS = {
  type: "ImportSettings",
  title: "Import settings",
  hint: "A file that “Export settings” wrote. Its profiles are added to those that are here. Keys have to be entered anew.",
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
  byId("import-title").textContent = what.title;
  byId("import-hint").textContent = what.hint;
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
 * @param {string} text
 * @param {Settings[]} profiles
 */
function review(text, profiles) {
  reviewed = text;
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
    added.length > 0 ? el("p", {}, `Sends as well: ${revealed(added.join(", "))}`) : null,
    el("pre", { dir: "auto" }, revealed(instructions)),
  );
}

/** @param {string} text */
function importProblem(text) {
  byId("import-error").textContent = text;
  byId("import-error").hidden = !text;
}

async function readImportFile() {
  const [file] = importFile.files ?? [];
  if (!file) return;
  importProblem("");
  hideReview();
  importText.value = await file.text().catch(() => "");
  if (!importText.value) importProblem("This file is empty or cannot be read.");
}

/** @param {OnImported} onImported */
async function carryOutImport(onImported) {
  const text = importText.value;
  const { type, origins } = importing;
  if (!text.trim()) return importProblem("Choose a file, or paste its content.");
  if (!(await isAllowed(origins(text)))) return importDialog.close();
  await during("Importing…", async () => {
    const isSeen = text === reviewed;
    const reply = await ask(type === "ImportSettings" ? { type, text, seen: isSeen } : { type, text });
    if (!reply.ok) {
      say("");
      return importProblem([reply.error.message, reply.error.hint].filter(Boolean).join(" "));
    }
    if (reply.brings_profiles) {
      say("");
      return review(text, reply.brings_profiles);
    }
    hideReview();
    importDialog.close();
    const id = reply.profile_id ?? reply.active;
    onImported(reply, id);
    const name = reply.profiles.find((profile) => profile.id === id)?.settings.name;
    const notTaken = reply.left_out?.length ? ` Not taken, since it may be secret: ${reply.left_out.join(", ")}.` : "";
    if (reply.message) say(reply.message + notTaken);
    else if (id === reply.active) say(`Imported. ${name} is ready.`);
    else say(`Imported. Mark ${name} in the list of profiles to use it.`);
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
