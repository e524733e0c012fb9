/**
 * The dialog with what a conversation has of its own: who answers, and how. What is left empty is as the profile says.
 */

import { COMPACTIONS, EFFORTS, fillSelect, labelOf, VERBOSITIES } from "../ui/choices.js";
import { byId, el } from "../ui/dom.js";
import { ask } from "./ask.js";
import { Permissions } from "./permissions.js";
import { answererOf } from "./words.js";

/** @import {Choices} from "../ui/choices.js" */
/** @import {ConversationSettings, ProfileView, ProviderView, TurnError} from "../protocol.js" */

/**
 * @typedef {object} Links
 * @property {() => {provider: ProviderView | null, settings: ConversationSettings, models: string[]}} state  `models`: those that answered in
 *   the conversation.
 * @property {(settings: ConversationSettings) => void} onSave
 * @property {() => void} onCompact
 */

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
  #verbosity = byId("own-verbosity");
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
  /** What the worker has to take. @type {"" | "saving" | "compacting"} */
  #work = "";
  /** @type {Links} */
  #links;

  /** @param {Links} links */
  constructor(links) {
    this.#links = links;
    byId("close-own").addEventListener("click", () => this.#dialog.close());
    byId("cancel-own").addEventListener("click", () => this.#dialog.close());
    byId("reset-own").addEventListener("click", () => this.#fill({}));
    byId("own-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit("saving");
    });
    this.#compact.addEventListener("click", () => this.#submit("compacting"));
    this.#loadModels.addEventListener("click", () => this.#listModels());
    this.#profile.addEventListener("change", () => this.#showDefaults());
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

  // --- the form -----------------------------------------------------------------------------------------------------

  /** @param {ConversationSettings} settings */
  #fill(settings) {
    const { profiles = [] } = this.#links.state().provider ?? {};
    /** @type {(readonly [string, string])[]} */
    const choices = profiles.map(({ id, name, model }) => [id, `${name} · ${model}`]);
    if (settings.profile && !profiles.some(({ id }) => id === settings.profile))
      choices.push([settings.profile, "One that was removed from the settings"]);
    fillSelect(this.#profile, "", choices, settings.profile ?? "");
    byId("own-profile-field").hidden = choices.length === 0;
    this.#loadModels.hidden = profiles.length === 0;
    this.#model.value = settings.model ?? "";
    this.#instructions.value = settings.instructions ?? "";
    fillSelect(this.#effort, "", EFFORTS, settings.effort ?? "");
    fillSelect(this.#verbosity, "", VERBOSITIES, settings.verbosity ?? "");
    fillSelect(this.#compaction, "", COMPACTIONS, settings.compaction ?? "");
    this.#permissions.fill(settings);
    this.#showDefaults();
  }

  /** Says in each field what holds where nothing is chosen. */
  #showDefaults() {
    const { provider, models } = this.#links.state();
    const active = answererOf(provider, {});
    nameDefault(this.#profile, `As in the settings: ${active.name}`);
    const { id, name, model, tools } = answererOf(provider, { profile: this.#profile.value });
    this.#permissions.offer(name, tools);
    const settings = this.#profiles.find((each) => each.id === id)?.settings;
    /** @param {Choices} choices @param {string | undefined} value @param {string} otherwise */
    const asIn = (choices, value, otherwise) => (value ? `As in ${name}: ${labelOf(choices, value)}` : otherwise);
    nameDefault(this.#effort, asIn(EFFORTS, settings?.effort, "Default of the model"));
    nameDefault(this.#verbosity, asIn(VERBOSITIES, settings?.verbosity, "Default of the model"));
    nameDefault(this.#compaction, asIn(COMPACTIONS, settings?.compaction ?? "summarise", ""));
    this.#model.placeholder = `${model}, as in ${name}`;
    this.#instructions.placeholder = settings?.instructions ? `As in ${name}: ${settings.instructions}` : "None";
    const known = [model, ...(provider?.profiles ?? []).map((each) => each.model), ...models];
    this.#offer(known);
  }

  /** @param {string[]} models */
  #offer(models) {
    const options = [...new Set(models)].filter(Boolean).map((model) => el("option", { value: model }));
    byId("own-models").replaceChildren(...options);
  }

  /** What is chosen beside the permissions. @returns {ConversationSettings} */
  #read() {
    const values = {
      profile: this.#profile.value,
      model: this.#model.value.trim(),
      instructions: this.#instructions.value.trim(),
      effort: this.#effort.value,
      verbosity: this.#verbosity.value,
      compaction: this.#compaction.value,
    };
    return Object.fromEntries(Object.entries(values).filter(([, value]) => value));
  }

  /** @param {"saving" | "compacting"} work */
  #submit(work) {
    const settings = this.#read();
    if (/\s/.test(settings.model ?? "")) {
      this.#say("A model's name has no blanks. Copy it as the provider writes it.", true);
      this.#model.focus();
      return;
    }
    const chosen = this.#permissions.read();
    if ("problem" in chosen) {
      this.#say(chosen.problem, true);
      chosen.place.focus();
      return;
    }
    this.#work = work;
    this.#save.disabled = true;
    this.#compact.disabled = true;
    this.#say("Saving…");
    this.#links.onSave({ ...settings, ...chosen.leave });
  }

  async #listModels() {
    const { id } = answererOf(this.#links.state().provider, { profile: this.#profile.value });
    const settings = this.#profiles.find((each) => each.id === id)?.settings;
    if (!settings) return;
    this.#loadModels.disabled = true;
    this.#say("Loading the models…");
    try {
      const { models = [] } = await ask({ type: "ListModels", settings, profile_id: id });
      this.#offer(models);
      this.#say(
        `${models.length} ${models.length === 1 ? "model" : "models"} loaded. Pick one in the field, or type to search.`,
      );
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
