/**
 * The dialog with what a conversation has of its own: who answers, and how. What is left empty is as the profile says.
 */

import { COMPACTIONS, EFFORTS, labelOf, SUMMARIES, VERBOSITIES } from "../../shared/choices.js";
import { visible } from "../../shared/pasted-key.js";
import { problemText } from "../../shared/profile-schema.js";
import { readNumber } from "../../shared/ranges.js";
import { text as message, plural } from "../../shared/text.js";
import { effortsOf, fillSelect, optionsOf } from "../../ui/choices.js";
import { byId, el, setChildren } from "../../ui/dom.js";
import { answererOf } from "../answerer.js";
import { Permissions } from "../tools/permissions.js";
import { ask } from "../worker-link/ask.js";

/** @import {Choices} from "../../shared/choices.js" */
/** @import {ConversationSettings, ModelFacts, ProfileView, ProviderView, TurnError} from "../../shared/protocol.js" */

/**
 * @typedef {object} Links
 * @property {() => {provider: ProviderView | null, settings: ConversationSettings, models: string[]}} state  `models`:
 *   those that answered in the conversation.
 * @property {(settings: ConversationSettings) => void} onSave
 * @property {() => void} onCompact
 * @property {() => Record<string, string> | undefined} kept  What was changed and not saved, by the fields' ids.
 * @property {(changes: Record<string, string> | undefined) => void} keep
 */

/** The numbers that a conversation can have of its own. */
const NUMBERS = /** @type {const} */ (["temperature", "top_p", "max_output_tokens"]);

export class ConversationSettingsDialog {
  /** @type {HTMLDialogElement} */
  #dialog = byId("conversation-settings");
  /** @type {HTMLSelectElement} */
  #profile = byId("own-profile");
  /** @type {HTMLInputElement} */
  #model = byId("own-model");
  /** @type {HTMLTextAreaElement} */
  #instructions = byId("own-instructions");
  /** @type {HTMLSelectElement} */
  #effort = byId("own-effort");
  /** @type {HTMLSelectElement} */
  #summary = byId("own-summary");
  /** @type {HTMLSelectElement} */
  #verbosity = byId("own-verbosity");
  /** @type {Map<typeof NUMBERS[number], HTMLInputElement>} */
  #numbers = new Map(NUMBERS.map((name) => [name, byId(`own-${name}`)]));
  /** @type {HTMLDetailsElement} */
  #advanced = byId("own-advanced");
  /** The model that the menu of efforts was made for, and what is known of it. */
  #described = { about: "", facts: /** @type {ModelFacts} */ ({}) };
  /** @type {HTMLSelectElement} */
  #compaction = byId("own-compaction");
  #permissions = new Permissions();
  /** @type {HTMLButtonElement} */
  #save = byId("save-own");
  /** @type {HTMLButtonElement} */
  #compact = byId("compact");
  /** @type {HTMLButtonElement} */
  #loadModels = byId("load-own-models");
  /** The profiles in full, once the worker has given them. @type {ProfileView[]} */
  #profiles = [];
  /** What the fields held before anything was changed, by their ids. @type {Record<string, string>} */
  #before = {};
  /** What the worker has to take. @type {"" | "saving" | "compacting"} */
  #work = "";
  /** @type {Links} */
  #links;

  /** @param {Links} links */
  constructor(links) {
    this.#links = links;
    byId("close-own").addEventListener("click", () => this.#dialog.close());
    byId("cancel-own").addEventListener("click", () => {
      this.#discard();
      this.#dialog.close();
    });
    byId("discard-own").addEventListener("click", () => {
      this.#discard();
      this.#profile.focus();
    });
    byId("reset-own").addEventListener("click", () => {
      this.#fill({});
      this.#keep();
    });
    // However the dialog or the panel is closed, what was typed is there the next time.
    for (const event of ["input", "change"]) byId("own-form").addEventListener(event, () => this.#keep());
    byId("own-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit("saving");
    });
    this.#compact.addEventListener("click", () => this.#submit("compacting"));
    this.#loadModels.addEventListener("click", () => this.#listModels());
    this.#profile.addEventListener("change", () => this.#showDefaults());
    this.#model.addEventListener("change", () => this.#describeModel());
    this.#dialog.addEventListener("keydown", (event) => {
      // What runs in the panel behind is not meant.
      if (event.key === "Escape") event.stopPropagation();
    });
    this.#dialog.addEventListener("close", () => this.#rest());
  }

  /** @param {"" | "permissions"} [part]  What the user has come for. */
  async show(part = "") {
    if (this.#dialog.open) return;
    this.#fill(this.#links.state().settings);
    this.#before = this.#values();
    const kept = this.#links.kept();
    if (kept) this.#restore(kept);
    byId("own-kept").hidden = !kept;
    this.#say("");
    this.#dialog.showModal();
    if (part === "permissions") this.#permissions.show();
    else this.#profile.focus();
    try {
      this.#profiles = (await ask({ type: "LoadSettings" })).profiles ?? [];
    } catch {
      // The defaults of a profile are not said then.
    }
    if (this.#dialog.open) this.#showDefaults();
  }

  /** @param {boolean} canCompact  There is something to summarise, and no turn is under way. */
  update(canCompact) {
    this.#compact.disabled = !canCompact || this.#work !== "";
    this.#save.disabled = this.#work !== "";
  }

  /** The worker has taken the settings. */
  saved() {
    const work = this.#work;
    if (!work) return;
    this.#links.keep(undefined);
    this.#dialog.close();
    if (work === "compacting") this.#links.onCompact();
  }

  /**
   * The worker has refused something.
   * @param {TurnError} error
   * @returns {boolean}  Whether it was the settings.
   */
  rejected(error) {
    if (!this.#work) return false;
    this.#rest();
    this.#say([error.message, error.hint].filter(Boolean).join(" "), true);
    return true;
  }

  #rest() {
    this.#work = "";
    this.#save.disabled = false;
  }

  // --- what was changed and not saved
  // ---------------------------------------------------------------------------------

  get #fields() {
    const { elements } = /** @type {HTMLFormElement} */ (byId("own-form"));
    return /** @type {(HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement)[]} */ (
      [...elements].filter((each) => each.id && !(each instanceof HTMLButtonElement))
    );
  }

  #values() {
    const text = (/** @type {any} */ each) => (each.type === "checkbox" ? String(each.checked) : each.value);
    return Object.fromEntries(this.#fields.map((each) => [each.id, text(each)]));
  }

  #keep() {
    const changed = Object.entries(this.#values()).filter(([id, value]) => value !== this.#before[id]);
    this.#links.keep(changed.length > 0 ? Object.fromEntries(changed) : undefined);
  }

  /** @param {Record<string, string>} kept */
  #restore(kept) {
    for (const each of this.#fields) {
      const value = kept[each.id];
      if (value === undefined) continue;
      if (each.type === "checkbox") /** @type {HTMLInputElement} */ (each).checked = value === "true";
      else each.value = value;
      const folded = each.closest("details");
      if (folded) folded.open = true;
    }
    this.#showDefaults();
  }

  #discard() {
    this.#links.keep(undefined);
    this.#fill(this.#links.state().settings);
    byId("own-kept").hidden = true;
  }

  // --- the form -----------------------------------------------------------------------------------------------------

  /** @param {ConversationSettings} settings */
  #fill(settings) {
    const { profiles = [] } = this.#links.state().provider ?? {};
    /** @type {(readonly [string, string])[]} */
    const choices = profiles.map(({ id, name, model }) => [id, message("profile_and_model", name, model)]);
    if (settings.profile && !profiles.some(({ id }) => id === settings.profile))
      choices.push([settings.profile, message("chat_settings_removed_profile")]);
    fillSelect(this.#profile, "", choices, settings.profile ?? "");
    byId("own-profile-field").hidden = choices.length === 0;
    this.#loadModels.hidden = profiles.length === 0;
    this.#model.value = settings.model ?? "";
    this.#instructions.value = settings.instructions ?? "";
    this.#described = { about: "", facts: {} };
    fillSelect(this.#effort, "", effortsOf(), settings.effort ?? "");
    fillSelect(this.#summary, "", optionsOf(SUMMARIES), settings.summary ?? "");
    fillSelect(this.#verbosity, "", optionsOf(VERBOSITIES), settings.verbosity ?? "");
    fillSelect(this.#compaction, "", optionsOf(COMPACTIONS), settings.compaction ?? "");
    for (const [name, input] of this.#numbers) input.value = String(settings[name] ?? "");
    this.#advanced.open = NUMBERS.some((name) => settings[name] !== undefined);
    this.#permissions.fill(settings);
    this.#showDefaults();
  }

  /** Says in each field what holds where nothing is chosen. */
  #showDefaults() {
    const { provider, models } = this.#links.state();
    const active = answererOf(provider, {});
    nameDefault(this.#profile, message("chat_settings_default_profile", active.name));
    const { id, name, model, tools } = answererOf(provider, { profile: this.#profile.value });
    this.#permissions.offer(name, tools);
    const settings = this.#profiles.find((each) => each.id === id)?.settings;
    /** @param {Choices} choices @param {string | undefined} value @param {string} otherwise */
    const asIn = (choices, value, otherwise) =>
      value ? message("chat_settings_as_in", name, labelOf(choices, value)) : otherwise;
    this.#nameEffort();
    nameDefault(this.#summary, asIn(SUMMARIES, settings?.summary, message("chat_settings_provider_default")));
    nameDefault(this.#verbosity, asIn(VERBOSITIES, settings?.verbosity, message("chat_settings_model_default")));
    nameDefault(this.#compaction, asIn(COMPACTIONS, settings?.compaction ?? "summarise", ""));
    this.#model.placeholder = message("chat_settings_value_as_in", model, name);
    this.#instructions.placeholder = settings?.instructions
      ? message("chat_settings_as_in", name, settings.instructions)
      : message("common_none");
    const known = [model, ...(provider?.profiles ?? []).map((each) => each.model), ...models];
    this.#offer(known);
    for (const [number, input] of this.#numbers) {
      const value = settings?.[number];
      input.placeholder =
        value === undefined ? message("chat_settings_default") : message("chat_settings_value_as_in", value, name);
    }
    this.#describeModel();
  }

  #nameEffort() {
    const { name, id } = answererOf(this.#links.state().provider, { profile: this.#profile.value });
    const own = this.#profiles.find((each) => each.id === id)?.settings.effort;
    const { default_effort } = this.#described.facts;
    const usual = default_effort
      ? message("chat_settings_model_default_value", labelOf(EFFORTS, default_effort))
      : message("chat_settings_model_default");
    nameDefault(this.#effort, own ? message("chat_settings_as_in", name, labelOf(EFFORTS, own)) : usual);
  }

  /** Offers the efforts that the model takes. */
  async #describeModel() {
    const { id, model } = answererOf(this.#links.state().provider, { profile: this.#profile.value });
    const profile = this.#profiles.find((each) => each.id === id)?.settings;
    if (!profile) return;
    const settings = { ...profile, model: this.#model.value.trim() || model };
    const about = JSON.stringify([id, settings.model]);
    if (about === this.#described.about) return;
    this.#described = { about, facts: {} };
    // Without an answer all efforts are offered.
    const { described = {} } = await ask({ type: "DescribeModel", settings }).catch(() => ({ described: {} }));
    if (this.#described.about !== about) return;
    this.#described.facts = described;
    fillSelect(this.#effort, "", effortsOf(described.efforts), this.#effort.value);
    this.#nameEffort();
  }

  /** @param {string[]} models */
  #offer(models) {
    const options = [...new Set(models)].filter(Boolean).map((model) => el("option", { value: model }));
    setChildren(byId("own-models"), options);
  }

  /**
   * What is chosen beside the permissions, or what is wrong with it and where.
   * @returns {{settings: ConversationSettings} | {problem: string, place: HTMLElement}}
   */
  #read() {
    /** @type {Pick<ConversationSettings, typeof NUMBERS[number]>} */
    const numbers = {};
    for (const [name, input] of this.#numbers) {
      const { value, problem } = readNumber(name, input.value);
      if (problem) return { problem: problemText(name, problem), place: input };
      if (value !== undefined) numbers[name] = value;
    }
    const values = {
      profile: this.#profile.value,
      model: visible(this.#model.value),
      instructions: this.#instructions.value.trim(),
      effort: this.#effort.value,
      summary: this.#summary.value,
      verbosity: this.#verbosity.value,
      compaction: this.#compaction.value,
    };
    return { settings: { ...Object.fromEntries(Object.entries(values).filter(([, value]) => value)), ...numbers } };
  }

  /** @param {{problem: string, place: HTMLElement}} wrong */
  #pointAt({ problem, place }) {
    this.#say(problem, true);
    const folded = place.closest("details");
    if (folded) folded.open = true;
    place.setAttribute("aria-invalid", "true");
    place.addEventListener("input", () => place.removeAttribute("aria-invalid"), { once: true });
    place.focus();
  }

  /** @param {"saving" | "compacting"} work */
  #submit(work) {
    const read = this.#read();
    if ("problem" in read) return this.#pointAt(read);
    const chosen = this.#permissions.read();
    if ("problem" in chosen) return this.#pointAt(chosen);
    this.#work = work;
    this.#save.disabled = true;
    this.#compact.disabled = true;
    this.#say(message("chat_settings_saving"));
    this.#links.onSave({ ...read.settings, ...chosen.settings });
  }

  async #listModels() {
    const { id } = answererOf(this.#links.state().provider, { profile: this.#profile.value });
    const settings = this.#profiles.find((each) => each.id === id)?.settings;
    if (!settings) return;
    this.#loadModels.disabled = true;
    this.#say(message("options_models_loading"));
    try {
      const { models = [] } = await ask({ type: "ListModels", settings, profile_id: id });
      this.#offer(models);
      this.#say(plural("models_loaded", models.length));
      this.#model.focus();
    } catch (error) {
      this.#say(error instanceof Error ? error.message : String(error), true);
    } finally {
      this.#loadModels.disabled = false;
    }
  }

  /** @param {string} text @param {boolean} [isError] */
  #say(text, isError = false) {
    const place = byId("own-status");
    place.textContent = text;
    place.classList.toggle("field-error", isError);
  }
}

/** @param {HTMLSelectElement} select @param {string} name */
function nameDefault(select, name) {
  select.options[0].textContent = name;
}
