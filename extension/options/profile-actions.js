/** What the buttons of the page do with the profile in the form, and with the list of profiles. */

import { messageAtField } from "../shared/profile-schema.js";
import { plural, text } from "../shared/text.js";
import { byId } from "../ui/dom.js";
import { AddressQuestion } from "./address-question.js";
import { clearErrors, controls, names, point } from "./fields.js";
import { permissionsFor } from "./form.js";
import { complain, during, say } from "./messages.js";

/** @import {Settings, TurnError} from "../shared/protocol.js" */
/** @import {SecretChange} from "../shared/requests.js" */
/** @import {IsAllowed} from "./access.js" */
/** @import {Ask} from "./ask.js" */
/** @import {ModelHints} from "./model-hints.js" */
/** @import {ProfileList} from "./profile-list.js" */
/** @import {Confirmed} from "./question.js" */
/** @import {SettingsForm} from "./settings-form.js" */

/**
 * @typedef {object} Parts
 * @property {SettingsForm} form
 * @property {ProfileList} list
 * @property {ModelHints} hints
 * @property {Ask} ask
 * @property {Confirmed} confirmed
 * @property {IsAllowed} isAllowed
 */

/** Errors of the model list after which a model name can still be typed. */
const NO_LIST = ["not_found", "permission", "server_error"];

export class ProfileActions {
  #form;
  #list;
  #hints;
  #ask;
  #confirmed;
  #isAllowed;
  #addressQuestion;

  /** @param {Parts} parts */
  constructor({ form, list, hints, ask, confirmed, isAllowed }) {
    this.#form = form;
    this.#list = list;
    this.#hints = hints;
    this.#ask = ask;
    this.#confirmed = confirmed;
    this.#isAllowed = isAllowed;
    this.#addressQuestion = new AddressQuestion(confirmed);
  }

  async load() {
    const fields = /** @type {HTMLFieldSetElement} */ (byId("fields"));
    fields.disabled = true;
    const reply = await this.#ask({ type: "LoadSettings" });
    fields.disabled = false;
    if (!reply.ok) return complain(reply.error);
    this.#form.show(reply);
    controls.preset.focus();
  }

  /** Another page has changed what is stored; what is typed here stays. */
  async catchUp() {
    const reply = await this.#ask({ type: "LoadSettings" });
    if (!reply.ok) return;
    this.#form.update(reply);
    if (!this.#form.profile && !this.#form.isChanged) this.#form.show(reply);
  }

  async save() {
    const settings = await this.#usableSettings(true);
    if (!settings) return;
    const id = this.#form.profile?.id;
    const passphrase = controls.passphrase.value || undefined;
    await during(text("options_saving"), async () => {
      const profile = { ...(id ? { id } : {}), settings };
      const reply = await this.#ask({ type: "SaveProfile", profile, api_key: this.#form.typedKey, passphrase });
      if (!reply.ok) return report(reply.error);
      this.#form.show(reply, reply.profile_id);
      if (reply.profile_id === reply.active) say(text("options_saved_active"));
      else say(text("options_saved_inactive", settings.name));
    });
  }

  async test() {
    const settings = await this.#usableSettings(true);
    if (!settings) return;
    await during(text("options_testing"), async () => {
      const reply = await this.#ask({ type: "TestConnection", ...this.#trial(settings) });
      if (reply.ok) say(reply.message ?? text("options_test_passed"));
      else report(reply.error);
    });
  }

  async loadModels() {
    const settings = await this.#usableSettings(false);
    if (!settings) return;
    await during(text("options_models_loading"), async () => {
      const reply = await this.#ask({ type: "ListModels", ...this.#trial(settings) });
      this.#hints.forget(); // the list may have brought more about the model
      if (!reply.ok) return reportNoList(reply.error);
      const models = reply.models ?? [];
      this.#form.offerModels(models);
      controls.model.focus();
      if (models.length === 0) say(text("options_models_none"));
      else say(plural("models_loaded", models.length));
    });
  }

  removeKey() {
    return this.#changeSecret({ api_key: "" }, text("options_key_removed"));
  }

  removePassphrase() {
    return this.#changeSecret({ passphrase: "" }, text("options_passphrase_removed"));
  }

  async removeSignIn() {
    const [title, loss] = [text("options_sign_in_remove_title"), text("options_sign_in_remove_text")];
    if (!(await this.#confirmed(title, loss, text("options_remove")))) return;
    await this.#changeSecret({ api_key: "" }, text("options_sign_in_removed"));
  }

  /** Whether the form may be filled with something else. */
  async mayDiscard() {
    if (!this.#form.isChanged) return true;
    return this.#confirmed(text("options_discard_title"), text("options_discard_text"), text("options_discard"));
  }

  /** @param {string | null} id  Null for a new profile. */
  async select(id) {
    const selected = this.#form.profile?.id ?? null;
    if (id === selected || !(await this.mayDiscard())) return;
    this.#form.show(this.#form.stored, id);
    say("");
    if (id === null) controls.preset.focus();
  }

  /** @param {string} id */
  async activate(id) {
    const profile = this.#form.profileOf(id);
    if (!profile) return;
    const allowed = await this.#isAllowed(permissionsFor(profile.settings));
    await during(text("options_saving"), async () => {
      this.#list.invalidate();
      const reply = allowed ? await this.#ask({ type: "ActivateProfile", id }) : undefined;
      if (reply?.ok) {
        this.#form.update(reply);
        return say(text("options_profile_active", profile.settings.name));
      }
      if (reply) complain(reply.error);
      this.#form.refresh();
    });
  }

  async remove() {
    const { profile } = this.#form;
    if (!profile) return;
    const { id, settings, sign_in } = profile;
    const title = text("options_profile_remove_title", settings.name);
    const loss = text(sign_in ? "options_profile_remove_sign_in" : "options_profile_remove_key");
    if (!(await this.#confirmed(title, loss, text("options_remove")))) return;
    await during(text("options_removing"), async () => {
      const reply = await this.#ask({ type: "RemoveProfile", id });
      if (!reply.ok) return complain(reply.error);
      this.#form.show(reply);
      say(text("options_profile_removed", settings.name));
    });
  }

  /**
   * The form's settings, once they are sound and Chrome lets us reach their address. Must be called within a click:
   * Chrome asks the user for nothing otherwise.
   * @param {boolean} needsModel
   * @returns {Promise<Settings | undefined>}
   */
  async #usableSettings(needsModel) {
    const { settings, errors } = this.#form.read(needsModel);
    if (errors.length > 0) {
      point(errors);
      say(plural("options_fields_wrong", errors.length));
      return undefined;
    }
    clearErrors();
    if (!(await this.#isMeant(settings))) {
      controls.base_url.focus();
      say(text("options_address_canceled"));
      return undefined;
    }
    return (await this.#isAllowed(permissionsFor(settings))) ? settings : undefined;
  }

  /** A stored key's address has been asked about when the key was stored. @param {Settings} settings */
  async #isMeant(settings) {
    const { hasKey, typedKey } = this.#form;
    return (hasKey && !typedKey) || this.#addressQuestion.isMeant(settings, Boolean(typedKey));
  }

  /** @param {Settings} settings */
  #trial(settings) {
    return { settings, api_key: this.#form.typedKey, profile_id: this.#form.profile?.id ?? null };
  }

  /**
   * Changes what is stored about the key; what is typed in the form stays as it is.
   * @param {SecretChange} change
   * @param {string} done
   */
  async #changeSecret(change, done) {
    const { id, settings } = this.#form.profile ?? this.#form.profileOf(this.#form.stored.active) ?? {};
    if (!id || !settings) return;
    await during(text("options_saving"), async () => {
      const reply = await this.#ask({ type: "SaveProfile", profile: { id, settings }, ...change });
      if (!reply.ok) return report(reply.error);
      this.#form.update(reply);
      say(done);
      if (change.api_key === "") (byId("key-field").hidden ? byId("bring-sign-in") : controls.api_key).focus();
    });
  }
}

/** Shows an error, at its field where it has one. @param {TurnError} error */
function report(error) {
  // Python has one name for the setting that an error is about and for the parameter that a server names.
  const about = error.field ?? (error.kind === "configuration" ? error.param : undefined);
  const field = names.find((name) => name === about);
  if (!field) return complain(error);
  point([{ field, message: messageAtField({ ...error, field }) }]);
  complain({ message: error.message, hint: error.hint });
}

/**
 * Without a list, the model's name has to be typed.
 * @param {TurnError} error
 */
function reportNoList(error) {
  if (!NO_LIST.includes(error.kind)) return report(error);
  controls.model.focus();
  if (controls.model.value.trim()) return say(`${error.message} ${text("options_models_unlisted")}`);
  point([{ field: "model", message: [error.message, error.hint].filter(Boolean).join(" ") }]);
  say("");
}
