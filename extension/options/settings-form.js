/** The form of one provider profile: what is in its fields, and what depends on that. */

import { hostOf } from "../shared/address.js";
import { COMPACTIONS, labelOf, SUMMARIES, VERBOSITIES } from "../shared/choices.js";
import { readKey } from "../shared/pasted-key.js";
import { labelOfPreset, PRESETS, presetOf } from "../shared/presets.js";
import { NUMBER_NAMES } from "../shared/ranges.js";
import { text } from "../shared/text.js";
import { fillSelect, optionsOf } from "../ui/choices.js";
import { byId, el, setChildren } from "../ui/dom.js";
import { clearErrors, controls, fill, names, setPlaceholder, values } from "./fields.js";
import { isInsecure, keepsAnswers, originOf, readForm, valuesOf } from "./form.js";
import { signInText, storedKeyText } from "./secret-texts.js";

/** @import {Settings} from "../shared/protocol.js" */
/** @import {SettingsView} from "../shared/requests.js" */
/** @import {Values} from "./form.js" */
/** @import {ModelHints} from "./model-hints.js" */

/** The settings in the folded part of the form, which is unfolded where a profile has one of them. */
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

/** @type {SettingsView} */
const NOTHING_STORED = {
  profiles: [],
  active: null,
  protected: false,
  locked: false,
  demo: false,
  settings: null,
  has_key: false,
};

export class SettingsForm {
  #hints;
  #onRefresh;
  /** What is stored, as the worker last reported it. */
  #stored = NOTHING_STORED;
  /** The profile in the form; null for a new one. @type {string | null} */
  #selected = null;
  /** The form as it was when nothing had been changed. */
  #unchanged = "";
  /** The preset that the address in the form belongs to. */
  #preset = "";
  /**
   * What was in the fields when another provider was chosen: whoever comes back finds it again.
   * @type {Map<string, Partial<Values>>}
   */
  #parked = new Map();

  /** @param {{hints: ModelHints, onRefresh: () => void}} parts  `onRefresh`: something in or about the form changed. */
  constructor({ hints, onRefresh }) {
    this.#hints = hints;
    this.#onRefresh = onRefresh;
    controls.preset.append(...PRESETS.map((preset) => el("option", { value: preset.key }, labelOfPreset(preset))));
    controls.preset.addEventListener("change", () => this.#choosePreset(controls.preset.value));
    byId("form").addEventListener("input", () => this.refresh());
    byId("form").addEventListener("change", () => this.refresh());
    byId("advanced").addEventListener("toggle", () => this.#hints.describeSoon());
  }

  get stored() {
    return this.#stored;
  }

  /** The profile in the form; undefined for a new one. */
  get profile() {
    return this.profileOf(this.#selected);
  }

  /** @param {string | null | undefined} id */
  profileOf(id) {
    return this.#stored.profiles?.find((profile) => profile.id === id);
  }

  get isChanged() {
    return JSON.stringify(values()) !== this.#unchanged;
  }

  /** The key to store or to try; undefined keeps the stored one. */
  get typedKey() {
    const { needs_sign_in } = presetOf(controls.preset.value);
    return needs_sign_in ? undefined : readKey(controls.api_key.value).key || undefined;
  }

  /** Whether a key is stored for the address in the form. */
  get hasKey() {
    return Boolean(this.#ownProfile?.has_key);
  }

  /** The profile, if the address in the form is still its own: only there does its key or sign-in go. */
  get #ownProfile() {
    const { profile } = this;
    const isOwn = profile && originOf(profile.settings.base_url) === originOf(controls.base_url.value);
    return isOwn ? profile : undefined;
  }

  /** @param {boolean} needsModel */
  read(needsModel) {
    const hasSignIn = this.#ownProfile?.sign_in !== undefined;
    return readForm(values(), { hasKey: this.hasKey, hasSignIn, needsModel });
  }

  /**
   * Shows a profile, in place of whatever is in the form.
   * @param {SettingsView} stored
   * @param {string | null} [id]  Null for a new profile.
   */
  show(stored, id = stored.active ?? null) {
    this.#stored = stored;
    this.#selected = this.profileOf(id)?.id ?? null;
    const settings = this.profile?.settings;
    const [preset] = PRESETS;
    const fresh = { preset: preset.key, base_url: preset.base_url, wire_api: preset.wire_api };
    const empty = Object.fromEntries(names.map((name) => [name, ""]));
    this.#hints.startOver(settings?.effort);
    fillMenus(settings);
    fill(settings ? valuesOf(settings) : { ...empty, ...fresh });
    this.#preset = controls.preset.value;
    this.#parked.clear();
    this.offerModels([]);
    clearErrors();
    if (settings && ADVANCED.some((name) => settings[name] !== undefined)) {
      /** @type {HTMLDetailsElement} */ (byId("advanced")).open = true;
    }
    this.#unchanged = JSON.stringify(values());
    this.refresh();
  }

  /**
   * Takes over what is stored now; what is typed stays.
   * @param {SettingsView} stored
   */
  update(stored) {
    this.#stored = stored;
    this.#selected = this.profile?.id ?? null;
    this.refresh();
  }

  /** @param {string[]} models  The names that the field suggests. */
  offerModels(models) {
    setChildren(
      byId("models"),
      models.map((model) => el("option", { value: model })),
    );
  }

  /** Brings everything that depends on the fields in step. */
  refresh() {
    const preset = presetOf(controls.preset.value);
    byId("preset-hint").textContent = preset.hint ? text(preset.hint) : "";
    byId("background-field").hidden = !keepsAnswers(values());
    setPlaceholder(controls.name, preset.name || hostOf(controls.base_url.value));
    setPlaceholder(controls.model, preset.model_hint ? text(preset.model_hint) : (preset.model ?? ""));
    const isInsecureAddress = isInsecure(controls.base_url.value);
    byId("base-url-hint").hidden = !isInsecureAddress;
    byId("base-url-hint").textContent = isInsecureAddress ? text("options_unencrypted_hint") : "";
    this.#refreshSecrets();
    this.#hints.show();
    this.#hints.describeSoon();
    this.#onRefresh();
  }

  /** Key, sign-in and passphrase: which of them the provider takes, and what is stored of them. */
  #refreshSecrets() {
    const { needs_sign_in, needs_key, key_hint } = presetOf(controls.preset.value);
    const { locked, protected: isProtected } = this.#stored;
    byId("sign-in").hidden = !needs_sign_in;
    byId("sign-in-text").textContent = signInText(this.#ownProfile?.sign_in, locked);
    byId("remove-sign-in").hidden = !this.#ownProfile?.sign_in;

    byId("key-field").hidden = Boolean(needs_sign_in);
    byId("remove-key").hidden = !this.profile?.has_key;
    if (this.hasKey) {
      setPlaceholder(controls.api_key, text("options_key_stored"));
      byId("api-key-hint").textContent = storedKeyText(locked);
    } else {
      setPlaceholder(controls.api_key, needs_key ? text("options_key_paste") : "");
      byId("api-key-hint").textContent = key_hint ? text(key_hint) : "";
    }

    setPlaceholder(controls.passphrase, isProtected ? text("options_passphrase_set") : "");
    byId("remove-passphrase").hidden = !isProtected;
  }

  /** @param {string} key */
  #choosePreset(key) {
    const { base_url, wire_api, model } = values();
    if (this.#preset) this.#parked.set(this.#preset, { base_url, wire_api, model });
    const preset = presetOf(key);
    fill(this.#parked.get(key) ?? { base_url: preset.base_url, wire_api: preset.wire_api, model: "" });
    this.#preset = key;
    this.offerModels([]);
    clearErrors();
  }
}

/** @param {Settings} [settings] */
function fillMenus(settings) {
  const [summary, verbosity, compaction] = /** @type {HTMLSelectElement[]} */ ([
    controls.summary,
    controls.verbosity,
    controls.compaction,
  ]);
  fillSelect(summary, text("options_default_of_provider"), optionsOf(SUMMARIES), settings?.summary ?? "");
  fillSelect(verbosity, text("options_default_of_model"), optionsOf(VERBOSITIES), settings?.verbosity ?? "");
  // The first is what happens without a choice.
  const [, ...others] = optionsOf(COMPACTIONS);
  fillSelect(compaction, labelOf(COMPACTIONS, "summarise"), others, settings?.compaction ?? "");
}
