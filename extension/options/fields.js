/** The fields of the form: their controls, what is in them, and the errors beside them. */

import { byId } from "../ui/dom.js";

/** @import {FieldError, Values} from "./form.js" */

/** @type {Record<keyof Values, HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement>} */
export const controls = {
  preset: byId("preset"),
  name: byId("name"),
  base_url: byId("base-url"),
  wire_api: byId("wire-api"),
  api_key: byId("api-key"),
  model: byId("model"),
  instructions: byId("instructions"),
  passphrase: byId("passphrase"),
  effort: byId("effort"),
  summary: byId("summary"),
  verbosity: byId("verbosity"),
  max_output_tokens: byId("max-output"),
  temperature: byId("temperature"),
  top_p: byId("top-p"),
  compaction: byId("compaction"),
  context_window: byId("context-window"),
  request_max_retries: byId("request-retries"),
  stream_max_retries: byId("stream-retries"),
  max_waiting: byId("max-waiting"),
  requests_per_minute: byId("per-minute"),
  stream_idle_timeout_ms: byId("patience"),
  background: byId("background"),
  organization: byId("organization"),
  project: byId("project"),
  http_headers: byId("headers"),
  query_params: byId("query"),
};
export const names = /** @type {(keyof Values)[]} */ (Object.keys(controls));

/** @returns {Values} */
export function values() {
  return /** @type {Values} */ (Object.fromEntries(names.map((name) => [name, textOf(controls[name])])));
}

/** @param {Partial<Values>} given */
export function fill(given) {
  for (const name of names) {
    const value = given[name];
    const control = controls[name];
    if (value === undefined) continue;
    if (isCheckbox(control)) control.checked = value !== "";
    else control.value = value;
  }
}

/**
 * @param {Element} control
 * @returns {control is HTMLInputElement}
 */
function isCheckbox(control) {
  return control instanceof HTMLInputElement && control.type === "checkbox";
}

/** @param {HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement} control */
function textOf(control) {
  if (isCheckbox(control)) return control.checked ? "yes" : "";
  return control.value;
}

/**
 * @param {Element} control
 * @param {string} text
 */
export function setPlaceholder(control, text) {
  control.setAttribute("placeholder", text);
}

/** Takes all errors away from their fields. */
export function clearErrors() {
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
export function point(errors) {
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
