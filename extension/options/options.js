/**
 * The options page. It talks to the worker with one-shot requests; the API key travels towards the worker only and is
 * never shown.
 */

import { byId, el } from "../ui/dom.js";
import { fieldOfError, isInsecure, originOf, permissionFor, readForm, valuesOf } from "./form.js";
import { PRESETS, presetOf } from "./presets.js";

/** @import {Reply, Request, Settings, TurnError} from "../protocol.js" */
/** @import {FieldError, Values} from "./form.js" */
/** @typedef {Extract<Reply, {ok: true}>} Answer */

/** @type {Record<keyof Values, HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement>} */
const controls = {
  preset: byId("preset"),
  baseUrl: byId("base-url"),
  wireApi: byId("wire-api"),
  apiKey: byId("api-key"),
  model: byId("model"),
  instructions: byId("instructions"),
  passphrase: byId("passphrase"),
  headers: byId("headers"),
  query: byId("query"),
};
const names = /** @type {(keyof Values)[]} */ (Object.keys(controls));

/** What is stored, as the worker last said. @type {Answer} */
let stored = { ok: true, settings: null, has_key: false };
/** The form as it was when nothing had been changed. */
let unchanged = "";
/**
 * What was in the fields when another provider was chosen: whoever comes back finds it again.
 * @type {Map<string, Partial<Values>>}
 */
const left = new Map();
let chosen = "";

// --- reading and filling the form -------------------------------------------------------------------

/** @returns {Values} */
function values() {
  return /** @type {Values} */ (Object.fromEntries(names.map((name) => [name, controls[name].value])));
}

/** @param {Partial<Values>} given */
function fill(given) {
  for (const name of names) {
    const value = given[name];
    if (value !== undefined) controls[name].value = value;
  }
}

/** @param {string} key */
function choose(key) {
  const { baseUrl, wireApi, model } = values();
  if (chosen) left.set(chosen, { baseUrl, wireApi, model });
  const preset = presetOf(key);
  fill(left.get(key) ?? { baseUrl: preset.base_url, wireApi: preset.wire_api, model: "" });
  chosen = key;
  byId("models").replaceChildren();
  clearErrors();
}

/** @param {Answer} answer */
function show(answer) {
  stored = answer;
  const preset = PRESETS[0];
  const fresh = { preset: preset.key, baseUrl: preset.base_url, wireApi: preset.wire_api };
  fill(answer.settings ? valuesOf(answer.settings) : { ...fresh, apiKey: "", passphrase: "" });
  chosen = controls.preset.value;
  left.clear();
  if (answer.settings?.http_headers || answer.settings?.query_params) {
    /** @type {HTMLDetailsElement} */ (byId("advanced")).open = true;
  }
  unchanged = JSON.stringify(values());
  refresh();
}

/** The stored key goes to the address only that it was entered for. */
function hasKey() {
  return Boolean(
    stored.has_key && stored.settings && originOf(stored.settings.base_url) === originOf(controls.baseUrl.value),
  );
}

/** Brings everything that depends on the fields in step. */
function refresh() {
  const preset = presetOf(controls.preset.value);
  const isStored = hasKey();
  byId("demo").hidden = !stored.demo;
  byId("preset-hint").textContent = preset.hint;
  byId("unsaved").hidden = JSON.stringify(values()) === unchanged;
  setPlaceholder(controls.apiKey, isStored ? "A key is stored" : preset.needs_key ? "Paste your key" : "");
  byId("api-key-hint").textContent = isStored ? keyHint() : preset.key_hint;
  byId("remove-key").hidden = !stored.has_key;
  setPlaceholder(controls.model, preset.model);
  setPlaceholder(controls.passphrase, stored.protected ? "A passphrase is set" : "");
  byId("remove-passphrase").hidden = !stored.protected;

  const warning = byId("base-url-hint");
  warning.hidden = !isInsecure(controls.baseUrl.value);
  warning.textContent = warning.hidden
    ? ""
    : "This connection is not encrypted: anyone on the way can read your key and your messages. " +
      "Use https:// unless you trust the whole network.";
}

/** @returns {string} */
function keyHint() {
  if (stored.locked) return "The stored key is locked. Give your passphrase in the panel to unlock it.";
  return "The stored key is never shown. Leave the field empty to keep it, or paste another one.";
}

/**
 * @param {Element} control
 * @param {string} text
 */
function setPlaceholder(control, text) {
  control.setAttribute("placeholder", text);
}

// --- saying how it went -----------------------------------------------------------------------------

/** @param {string} text */
function say(text) {
  byId("alert").hidden = true;
  byId("status").textContent = text;
}

/** @param {Pick<TurnError, "message" | "hint" | "server_message">} error */
function complain({ message, hint, server_message }) {
  const words = server_message && !message.includes(server_message) ? `The server said: “${server_message}”` : "";
  byId("status").textContent = "";
  byId("alert-text").textContent = message;
  byId("alert-hint").textContent = [hint, words].filter(Boolean).join(" ");
  byId("alert-hint").hidden = !hint && !words;
  byId("alert").hidden = false;
}

function clearErrors() {
  for (const name of names) {
    controls[name].removeAttribute("aria-invalid");
    const place = document.getElementById(`${controls[name].id}-error`);
    if (place) place.hidden = true;
  }
}

/**
 * Shows each error at its field, and goes to the first.
 * @param {FieldError[]} errors
 */
function point(errors) {
  clearErrors();
  for (const { field, message } of errors) {
    const place = document.getElementById(`${controls[field].id}-error`);
    if (!place) continue;
    place.textContent = message;
    place.hidden = false;
    controls[field].setAttribute("aria-invalid", "true");
  }
  const first = controls[errors[0].field];
  const folded = first.closest("details");
  if (folded) folded.open = true;
  first.focus();
}

/** @param {TurnError} error */
function report(error) {
  const field = error.kind === "configuration" ? fieldOfError(error.message) : undefined;
  if (!field) return complain(error);
  point([{ ...field, message: [field.message, error.hint].filter(Boolean).join(" ") }]);
  complain({ message: error.message, hint: error.hint });
}

// --- the worker -------------------------------------------------------------------------------------

/**
 * @param {Request} request
 * @returns {Promise<Reply>}
 */
async function ask(request) {
  try {
    const reply = await chrome.runtime.sendMessage(request);
    if (reply) return reply;
  } catch {
    // The worker could not be reached, or was replaced by a newer one.
  }
  const error = {
    kind: "internal",
    message: "The extension's background process did not answer.",
    hint: "Try again, or load this page anew.",
  };
  return { ok: false, error };
}

/**
 * Carries out one request, with the buttons held back and the user told.
 * @param {string} progress
 * @param {() => Promise<void>} work
 */
async function during(progress, work) {
  say(progress);
  const buttons = ["save", "test", "load-models", "remove-key", "remove-passphrase"].map(
    (id) => /** @type {HTMLButtonElement} */ (byId(id)),
  );
  const focused = document.activeElement;
  for (const button of buttons) button.disabled = true;
  const slow = setTimeout(
    () => say(`${progress} The first time after a while, Python starts; that takes a few seconds.`),
    1500,
  );
  try {
    await work();
  } finally {
    clearTimeout(slow);
    for (const button of buttons) button.disabled = false;
    if (document.activeElement === document.body && focused instanceof HTMLElement && !focused.hidden) focused.focus();
  }
}

/**
 * The form's settings, once they are sound and Chrome lets us reach their address. Must be called within a click:
 * Chrome asks the user for nothing otherwise.
 * @param {boolean} needsModel
 * @returns {Promise<Settings | undefined>}
 */
async function usableSettings(needsModel) {
  const { settings, errors } = readForm(values(), { hasKey: hasKey(), needsModel });
  if (errors.length > 0) {
    point(errors);
    say(errors.length === 1 ? "One field needs your attention." : `${errors.length} fields need your attention.`);
    return undefined;
  }
  clearErrors();
  const pattern = permissionFor(settings.base_url);
  if (pattern && !(await chrome.permissions.request({ origins: [pattern] }).catch(() => false))) {
    const { host } = new URL(settings.base_url);
    complain({
      message: `Chrome was not allowed to reach ${host}.`,
      hint:
        "Without that, Sidestream cannot talk to it. Nothing is lost: press the button again and choose “Allow”. " +
        `Only ${host} is asked for.`,
    });
    return undefined;
  }
  return settings;
}

/** The key as it is to travel: undefined keeps the stored one. */
function typedKey() {
  return controls.apiKey.value.trim() || undefined;
}

async function save() {
  const settings = await usableSettings(true);
  if (!settings) return;
  const passphrase = controls.passphrase.value || undefined;
  await during("Saving…", async () => {
    const reply = await ask({ type: "SaveSettings", settings, api_key: typedKey(), passphrase });
    if (!reply.ok) return report(reply.error);
    show(reply);
    say("Saved. Open the side panel with Sidestream's button in the toolbar.");
  });
}

async function test() {
  const settings = await usableSettings(true);
  if (!settings) return;
  await during("Testing the connection…", async () => {
    const reply = await ask({ type: "TestConnection", settings, api_key: typedKey() });
    if (reply.ok) say(reply.message ?? "The connection works.");
    else report(reply.error);
  });
}

async function loadModels() {
  const settings = await usableSettings(false);
  if (!settings) return;
  await during("Loading the models…", async () => {
    const reply = await ask({ type: "ListModels", settings, api_key: typedKey() });
    if (!reply.ok) return report(reply.error);
    const models = reply.models ?? [];
    byId("models").replaceChildren(...models.map((model) => el("option", { value: model })));
    controls.model.focus();
    if (models.length === 0) say("The server lists no models. Type the name of one.");
    else
      say(
        `${models.length} ${models.length === 1 ? "model" : "models"} loaded. Pick one in the field, or type to search.`,
      );
  });
}

/**
 * Changes what is stored about the key; what is typed in the form stays as it is.
 * @param {Pick<Extract<Request, {type: "SaveSettings"}>, "api_key" | "passphrase">} change
 * @param {string} done
 */
async function changeKey(change, done) {
  const { settings } = stored;
  if (!settings) return;
  await during("Saving…", async () => {
    const reply = await ask({ type: "SaveSettings", settings, ...change });
    if (!reply.ok) return report(reply.error);
    stored = reply;
    refresh();
    say(done);
    controls.apiKey.focus();
  });
}

// --- wiring -----------------------------------------------------------------------------------------

controls.preset.append(...PRESETS.map(({ key, label }) => el("option", { value: key }, label)));
controls.preset.addEventListener("change", () => choose(controls.preset.value));
byId("form").addEventListener("input", refresh);
byId("form").addEventListener("change", refresh);
byId("form").addEventListener("submit", (event) => {
  event.preventDefault();
  save();
});
byId("test").addEventListener("click", test);
byId("load-models").addEventListener("click", loadModels);
byId("remove-key").addEventListener("click", () => changeKey({ api_key: "" }, "The key is removed."));
byId("remove-passphrase").addEventListener("click", () => changeKey({ passphrase: "" }, "The passphrase is removed."));

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
