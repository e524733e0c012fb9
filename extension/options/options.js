/**
 * The options page. It talks to the worker with one-shot requests; the API key travels towards the worker only and is
 * never shown.
 */

import { hostOf } from "../shared/address.js";
import { COMPACTIONS, EFFORTS, labelOf, SUMMARIES, VERBOSITIES } from "../shared/choices.js";
import { readKey } from "../shared/pasted-key.js";
import { labelOfPreset, PRESETS, presetOf } from "../shared/presets.js";
import { messageAtField } from "../shared/profile-schema.js";
import { NUMBER_NAMES } from "../shared/ranges.js";
import { language, list, plural, text } from "../shared/text.js";
import { effortsOf, fillSelect, optionsOf } from "../ui/choices.js";
import { byId, el, setChildren } from "../ui/dom.js";
import { guardComposition } from "../ui/keys.js";
import { localise } from "../ui/localise.js";
import { save as saveFile } from "../ui/save.js";
import { isAllowed } from "./access.js";
import { addressRisks } from "./address-risk.js";
import { ask } from "./ask.js";
import "./error-log.js";
import { clearErrors, controls, fill, names, point, setPlaceholder, values } from "./fields.js";
import { isInsecure, keepsAnswers, originOf, permissionsFor, readForm, valuesOf } from "./form.js";
import { AUTH_JSON, openImport, SETTINGS, setUpImports } from "./import-dialog.js";
import { complain, during, say } from "./messages.js";
import { confirmed } from "./question.js";

/** @import {ModelFacts, ProfileView, Settings, SignInView, TurnError} from "../shared/protocol.js" */
/** @import {FieldError, Values} from "./form.js" */
/** @import {SecretChange, SettingsView} from "../shared/requests.js" */

/** What stands in the folded part of the form, and unfolds it where a profile has it. */
const ADVANCED = /** @type {const} */ ([
  "effort",
  "summary",
  "verbosity",
  ...NUMBER_NAMES,
  "compaction",
  "context_window",
  "background",
  "stream_idle_timeout_ms",
  "organization",
  "project",
  "http_headers",
  "query_params",
]);

/** What is stored, as the worker last said. @type {SettingsView} */
let stored = {
  profiles: [],
  active: null,
  protected: false,
  locked: false,
  demo: false,
  settings: null,
  has_key: false,
};
/** The profile in the form; null for one that is new. @type {string | null} */
let selected = null;
/** The form as it was when nothing had been changed. */
let unchanged = "";
/**
 * What was in the fields when another provider was chosen: whoever comes back finds it again.
 * @type {Map<string, Partial<Values>>}
 */
const left = new Map();
let chosen = "";

// --- reading and filling the form -------------------------------------------------------------------

/** @param {string} key */
function choose(key) {
  const { base_url, wire_api, model } = values();
  if (chosen) left.set(chosen, { base_url, wire_api, model });
  const preset = presetOf(key);
  fill(left.get(key) ?? { base_url: preset.base_url, wire_api: preset.wire_api, model: "" });
  chosen = key;
  byId("models").replaceChildren();
  clearErrors();
}

/** @param {string | null | undefined} id */
function profileOf(id) {
  return stored.profiles?.find((profile) => profile.id === id);
}

/**
 * What is stored, and one of its profiles in the form.
 * @param {SettingsView} answer
 * @param {string | null} [id]  Null for a new one.
 */
function show(answer, id = answer.active ?? null) {
  stored = answer;
  selected = profileOf(id)?.id ?? null;
  const settings = profileOf(id)?.settings;
  const [preset] = PRESETS;
  const fresh = { preset: preset.key, base_url: preset.base_url, wire_api: preset.wire_api };
  const empty = Object.fromEntries(names.map((name) => [name, ""]));
  fillChoices(settings);
  fill(settings ? valuesOf(settings) : { ...empty, ...fresh });
  chosen = controls.preset.value;
  left.clear();
  byId("models").replaceChildren();
  clearErrors();
  if (settings && ADVANCED.some((name) => settings[name] !== undefined)) {
    /** @type {HTMLDetailsElement} */ (byId("advanced")).open = true;
  }
  unchanged = JSON.stringify(values());
  described.about = "";
  refresh();
}

/** @param {Settings} [settings]  Whose effort the list must have, even if it is a provider's own word. */
function fillChoices(settings) {
  const [summary, verbosity, compaction] = /** @type {HTMLSelectElement[]} */ ([
    controls.summary,
    controls.verbosity,
    controls.compaction,
  ]);
  offerEfforts(settings?.effort ?? "", {});
  fillSelect(summary, text("options_default_of_provider"), optionsOf(SUMMARIES), settings?.summary ?? "");
  fillSelect(verbosity, text("options_default_of_model"), optionsOf(VERBOSITIES), settings?.verbosity ?? "");
  // The first is what happens without a choice.
  fillSelect(
    compaction,
    labelOf(COMPACTIONS, "summarise"),
    optionsOf(COMPACTIONS).slice(1),
    settings?.compaction ?? "",
  );
}

/** The model that the menu of efforts was made for, and what is known of it. */
const described = { about: "", facts: /** @type {ModelFacts} */ ({}) };

/** Offers the efforts that the model takes, as soon as somebody looks at them. */
async function describeModel() {
  const { settings } = readForm(values(), { hasKey: true, hasSignIn: true, needsModel: false });
  const { preset, base_url, wire_api, model } = settings;
  const about = JSON.stringify([preset, base_url, model]);
  if (!(/** @type {HTMLDetailsElement} */ (byId("advanced")).open) || about === described.about) return;
  described.about = about;
  const asked = { preset, name: "", base_url, wire_api, model };
  const reply = model ? await ask({ type: "DescribeModel", settings: asked }) : undefined;
  // Another model has been typed in the meantime.
  if (described.about !== about) return;
  offerEfforts(controls.effort.value, (reply?.ok && reply.described) || {});
}

/** @param {string} chosen @param {ModelFacts} facts */
function offerEfforts(chosen, facts) {
  described.facts = facts;
  const { efforts, default_effort } = facts;
  const byDefault = default_effort
    ? text("options_default_of_model_known", labelOf(EFFORTS, default_effort))
    : text("options_default_of_model");
  fillSelect(/** @type {HTMLSelectElement} */ (controls.effort), byDefault, effortsOf(efforts), chosen);
  sayFacts();
}

/** Says of effort, summary and context window what is known for the model. */
function sayFacts() {
  const { efforts, supports_reasoning, context_window } = described.facts;
  const chosen = controls.effort.value;
  const isOdd = Boolean(chosen && efforts && !efforts.includes(chosen));
  byId("effort-hint").textContent =
    supports_reasoning === false
      ? text("options_effort_unused")
      : text(isOdd ? "options_effort_nearest" : "options_effort_hint");
  const isChat = controls.wire_api.value === "chat";
  byId("summary-hint").textContent = text(isChat ? "options_summary_responses_only" : "options_summary_hint");
  const known = context_window
    ? text("options_context_window_known", context_window)
    : text("options_context_window_unknown");
  setPlaceholder(controls.context_window, known);
}

/** @type {ReturnType<typeof setTimeout> | undefined} */
let typing;

/** The same, once the typing has paused. */
function describeSoon() {
  clearTimeout(typing);
  typing = setTimeout(describeModel, 300);
}

/** What is stored under the selected profile goes to the address only that it was entered for. */
function isAtHome() {
  const profile = profileOf(selected);
  return profile !== undefined && originOf(profile.settings.base_url) === originOf(controls.base_url.value);
}

const hasKey = () => isAtHome() && Boolean(profileOf(selected)?.has_key);

const hasSignIn = () => isAtHome() && profileOf(selected)?.sign_in !== undefined;

const isChanged = () => JSON.stringify(values()) !== unchanged;

/** Brings everything that depends on the fields in step. */
function refresh() {
  const preset = presetOf(controls.preset.value);
  const isStored = hasKey();
  byId("demo").hidden = !stored.demo;
  byId("preset-hint").textContent = preset.hint ? text(preset.hint) : "";
  byId("unsaved").hidden = !isChanged();
  drawProfiles();
  setPlaceholder(controls.name, preset.name || hostOf(controls.base_url.value));
  byId("key-field").hidden = Boolean(preset.needs_sign_in);
  byId("background-field").hidden = !keepsAnswers(values());
  byId("sign-in").hidden = !preset.needs_sign_in;
  byId("sign-in-text").textContent = signInText(hasSignIn() ? profileOf(selected)?.sign_in : undefined);
  byId("remove-sign-in").hidden = !hasSignIn();
  byId("remove-profile").hidden = selected === null;
  setPlaceholder(
    controls.api_key,
    isStored ? text("options_key_stored") : preset.needs_key ? text("options_key_paste") : "",
  );
  byId("api-key-hint").textContent = isStored ? keyHint() : preset.key_hint ? text(preset.key_hint) : "";
  byId("remove-key").hidden = !profileOf(selected)?.has_key;
  setPlaceholder(controls.model, preset.model_hint ? text(preset.model_hint) : (preset.model ?? ""));
  setPlaceholder(controls.passphrase, stored.protected ? text("options_passphrase_set") : "");
  byId("remove-passphrase").hidden = !stored.protected;
  sayFacts();
  describeSoon();

  const warning = byId("base-url-hint");
  warning.hidden = !isInsecure(controls.base_url.value);
  warning.textContent = warning.hidden ? "" : text("options_unencrypted_hint");
}

/** @param {SignInView | undefined} signIn */
function signInText(signIn) {
  if (!signIn) return text("options_sign_in_none");
  if (stored.locked) return text("options_sign_in_locked");
  const { expires_at } = signIn;
  const renewal = expires_at
    ? text("options_token_until", new Date(expires_at).toLocaleString(language()))
    : text("options_token_renews");
  return `${accountText(signIn)} ${renewal}`;
}

/** @param {SignInView} signIn */
function accountText({ account, plan }) {
  if (account) return plan ? text("options_signed_in_as_plan", account, plan) : text("options_signed_in_as", account);
  return plan ? text("options_signed_in_plan", plan) : text("options_signed_in");
}

/** The list is built anew when something in it has changed only, so that the focus stays where it is. */
function drawProfiles() {
  const profiles = stored.profiles ?? [];
  const drawn = JSON.stringify([profiles, stored.active, selected]);
  const list = byId("profile-list");
  byId("profiles").hidden = profiles.length === 0;
  byId("add-profile").hidden = selected === null;
  if (list.dataset.drawn === drawn) return;
  list.dataset.drawn = drawn;
  const focused = document.activeElement instanceof HTMLElement ? document.activeElement.id : "";
  const items = profiles.map(profileItem);
  if (selected === null) items.push(el("li", { class: "new", "aria-current": "true" }, text("options_profile_new")));
  setChildren(list, items);
  if (focused) document.getElementById(focused)?.focus();
}

/** @param {ProfileView} profile */
function profileItem({ id, settings, has_key, sign_in }) {
  const { name, model, base_url } = settings;
  const state = sign_in
    ? text("options_profile_signed_in")
    : text(has_key ? "options_profile_has_key" : "options_profile_no_key");
  const radio = el("input", {
    type: "radio",
    name: "active",
    id: `use-${id}`,
    "aria-label": text("options_profile_use", name),
    onchange: () => activate(id),
  });
  radio.checked = id === stored.active;
  const button = el(
    "button",
    {
      type: "button",
      class: "quiet",
      id: `edit-${id}`,
      "aria-pressed": String(id === selected),
      onclick: () => select(id),
    },
    el("strong", {}, name),
    el("span", { class: "hint" }, text("options_profile_about", model, hostOf(base_url), state)),
  );
  return el("li", { "aria-current": id === selected && "true" }, radio, button);
}

/** @returns {string} */
function keyHint() {
  return text(stored.locked ? "options_key_locked" : "options_key_hidden");
}

// --- saying how it went -----------------------------------------------------------------------------

/** @param {TurnError} error */
function report(error) {
  // Python has one name for the setting that an error is about and for the parameter that a server names.
  const about = error.field ?? (error.kind === "configuration" ? error.param : undefined);
  const field = names.find((name) => name === about);
  if (!field) return complain(error);
  point([{ field, message: messageAtField({ ...error, field }) }]);
  complain({ message: error.message, hint: error.hint });
}

// --- the worker -------------------------------------------------------------------------------------

/**
 * The form's settings, once they are sound and Chrome lets us reach their address. Must be called within a click:
 * Chrome asks the user for nothing otherwise.
 * @param {boolean} needsModel
 * @returns {Promise<Settings | undefined>}
 */
async function usableSettings(needsModel) {
  const { settings, errors } = readForm(values(), { hasKey: hasKey(), hasSignIn: hasSignIn(), needsModel });
  if (errors.length > 0) {
    point(errors);
    say(plural("options_fields_wrong", errors.length));
    return undefined;
  }
  clearErrors();
  if (!(await isMeant(settings))) return undefined;
  return (await isAllowed(permissionsFor(settings))) ? settings : undefined;
}

/** Addresses to which the user has said yes on this page, with the provider that was chosen. @type {Set<string>} */
const meant = new Set();

/**
 * Asks whether an unusual address is the right one, before a key is stored for it or sent there. A stored key has been
 * asked about.
 * @param {Settings} settings
 */
async function isMeant({ preset, base_url }) {
  if (hasKey() && !typedKey()) return true;
  const risks = addressRisks(base_url, { preset, hasKey: Boolean(typedKey()) });
  const about = JSON.stringify([preset, originOf(base_url), risks]);
  if (risks.length === 0 || meant.has(about)) return true;
  const reasons = [...risks, text("options_address_warning")].join(" ");
  const title = text("options_address_title", hostOf(base_url));
  const isRight = await confirmed(title, reasons, text("options_address_use"));
  if (isRight) meant.add(about);
  else {
    controls.base_url.focus();
    say(text("options_address_canceled"));
  }
  return isRight;
}

/** The key as it is to travel: undefined keeps the stored one. */
function typedKey() {
  return presetOf(controls.preset.value).needs_sign_in ? undefined : readKey(controls.api_key.value).key || undefined;
}

async function save() {
  const settings = await usableSettings(true);
  if (!settings) return;
  const passphrase = controls.passphrase.value || undefined;
  await during(text("options_saving"), async () => {
    const profile = { ...(selected ? { id: selected } : {}), settings };
    const reply = await ask({ type: "SaveProfile", profile, api_key: typedKey(), passphrase });
    if (!reply.ok) return report(reply.error);
    show(reply, reply.profile_id);
    if (reply.profile_id === reply.active) say(text("options_saved_active"));
    else say(text("options_saved_inactive", settings.name));
  });
}

async function test() {
  const settings = await usableSettings(true);
  if (!settings) return;
  await during(text("options_testing"), async () => {
    const reply = await ask({ type: "TestConnection", settings, api_key: typedKey(), profile_id: selected });
    if (reply.ok) say(reply.message ?? text("options_test_passed"));
    else report(reply.error);
  });
}

async function loadModels() {
  const settings = await usableSettings(false);
  if (!settings) return;
  await during(text("options_models_loading"), async () => {
    const reply = await ask({ type: "ListModels", settings, api_key: typedKey(), profile_id: selected });
    described.about = ""; // the list may have said more
    if (!reply.ok) return reportNoList(reply.error);
    const models = reply.models ?? [];
    setChildren(
      byId("models"),
      models.map((model) => el("option", { value: model })),
    );
    controls.model.focus();
    if (models.length === 0) say(text("options_models_none"));
    else say(plural("models_loaded", models.length));
  });
}

/** Errors of the model list after which the name can be typed as well. */
const NO_LIST = ["not_found", "permission", "server_error"];

/**
 * Without a list the model's name has to be typed.
 * @param {TurnError} error
 */
function reportNoList(error) {
  if (!NO_LIST.includes(error.kind)) return report(error);
  controls.model.focus();
  if (controls.model.value.trim()) return say(`${error.message} ${text("options_models_unlisted")}`);
  point([{ field: "model", message: [error.message, error.hint].filter(Boolean).join(" ") }]);
  say("");
}

/**
 * Changes what is stored about the key; what is typed in the form stays as it is.
 * @param {SecretChange} change
 * @param {string} done
 */
async function changeKey(change, done) {
  const { id, settings } = profileOf(selected) ?? profileOf(stored.active) ?? {};
  if (!id || !settings) return;
  await during(text("options_saving"), async () => {
    const reply = await ask({ type: "SaveProfile", profile: { id, settings }, ...change });
    if (!reply.ok) return report(reply.error);
    stored = reply;
    refresh();
    say(done);
    if (change.api_key === "") (byId("key-field").hidden ? byId("bring-sign-in") : controls.api_key).focus();
  });
}

// --- profiles ---------------------------------------------------------------------------------------

/** Whether the form may be filled with something else. */
async function mayLeave() {
  if (!isChanged()) return true;
  return confirmed(text("options_discard_title"), text("options_discard_text"), text("options_discard"));
}

/** @param {string | null} id */
async function select(id) {
  if (id === selected || !(await mayLeave())) return;
  show(stored, id);
  say("");
  if (id === null) controls.preset.focus();
}

/** @param {string} id */
async function activate(id) {
  const profile = profileOf(id);
  if (!profile) return;
  const allowed = await isAllowed(permissionsFor(profile.settings));
  await during(text("options_saving"), async () => {
    if (allowed) {
      const reply = await ask({ type: "ActivateProfile", id });
      if (reply.ok) {
        stored = reply;
        say(text("options_profile_active", profile.settings.name));
      } else complain(reply.error);
    }
    delete byId("profile-list").dataset.drawn; // the mark may have to go back
    refresh();
  });
}

async function removeProfile() {
  const profile = profileOf(selected);
  if (!profile) return;
  const { id, settings, sign_in } = profile;
  const title = text("options_profile_remove_title", settings.name);
  const loss = text(sign_in ? "options_profile_remove_sign_in" : "options_profile_remove_key");
  if (!(await confirmed(title, loss, text("options_remove")))) return;
  await during(text("options_removing"), async () => {
    const reply = await ask({ type: "RemoveProfile", id });
    if (!reply.ok) return complain(reply.error);
    show(reply);
    say(text("options_profile_removed", settings.name));
  });
}

async function removeSignIn() {
  const [title, loss] = [text("options_sign_in_remove_title"), text("options_sign_in_remove_text")];
  if (!(await confirmed(title, loss, text("options_remove")))) return;
  await changeKey({ api_key: "" }, text("options_sign_in_removed"));
}

/** Another page has changed what is stored; what is typed here stays. */
async function catchUp() {
  const reply = await ask({ type: "LoadSettings" });
  if (!reply.ok) return;
  stored = reply;
  if (!profileOf(selected)) {
    if (isChanged()) selected = null;
    else return show(reply);
  }
  refresh();
}

// --- import, export, reset --------------------------------------------------------------------------

/** @param {Parameters<typeof openImport>[0]} what */
async function offerImport(what) {
  if (await mayLeave()) openImport(what);
}

async function exportSettings() {
  await during(text("options_exporting"), async () => {
    const reply = await ask({ type: "ExportSettings" });
    if (!reply.ok) return complain(reply.error);
    saveFile("sidestream-settings.json", new Blob([reply.text ?? ""], { type: "application/json" }));
    const leftOut = reply.left_out ?? [];
    if (leftOut.length === 0) say(text("options_exported"));
    else say(text("options_exported_without", list(leftOut)));
  });
}

async function reset() {
  const [title, loss] = [text("options_reset_title"), text("options_reset_text")];
  if (!(await confirmed(title, loss, text("options_reset_confirm")))) return;
  await during(text("options_resetting"), async () => {
    const reply = await ask({ type: "ResetEverything" });
    if (!reply.ok) return complain(reply.error);
    localStorage.clear();
    show(reply);
    say(text("options_reset_done"));
  });
}

// --- wiring -----------------------------------------------------------------------------------------

localise(document);
guardComposition();
setUpImports(show);
controls.preset.append(...PRESETS.map((preset) => el("option", { value: preset.key }, labelOfPreset(preset))));
controls.preset.addEventListener("change", () => choose(controls.preset.value));
byId("form").addEventListener("input", refresh);
byId("form").addEventListener("change", refresh);
byId("form").addEventListener("submit", (event) => {
  event.preventDefault();
  save();
});
byId("test").addEventListener("click", test);
byId("advanced").addEventListener("toggle", describeSoon);
byId("load-models").addEventListener("click", loadModels);
byId("remove-key").addEventListener("click", () => changeKey({ api_key: "" }, text("options_key_removed")));
byId("remove-sign-in").addEventListener("click", removeSignIn);
byId("add-profile").addEventListener("click", () => select(null));
byId("remove-profile").addEventListener("click", removeProfile);
byId("import-auth").addEventListener("click", () => offerImport(AUTH_JSON));
byId("bring-sign-in").addEventListener("click", () => offerImport(AUTH_JSON));
byId("import-settings").addEventListener("click", () => offerImport(SETTINGS));
byId("export-settings").addEventListener("click", exportSettings);
byId("reset").addEventListener("click", reset);
addEventListener("beforeunload", (event) => {
  if (isChanged()) event.preventDefault();
});
chrome.storage.onChanged.addListener((changes, area) => {
  if (area === "local" && (changes.profiles || changes.active_profile || changes.vault)) catchUp();
});
byId("remove-passphrase").addEventListener("click", () =>
  changeKey({ passphrase: "" }, text("options_passphrase_removed")),
);

async function load() {
  const fields = /** @type {HTMLFieldSetElement} */ (byId("fields"));
  fields.disabled = true;
  const reply = await ask({ type: "LoadSettings" });
  fields.disabled = false;
  if (!reply.ok) return complain(reply.error);
  show(reply);
  controls.preset.focus();
}

load();
