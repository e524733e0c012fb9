/**
 * The header of the panel: who answers, the choice between provider profiles, and the button for the conversation's
 * settings.
 */

import { text } from "../shared/text.js";
import { byId, el, setChildren } from "../ui/dom.js";
import { answererOf } from "./answerer.js";

/** @import {ConversationSettings, ProviderView} from "../shared/protocol.js" */

export class Header {
  #model = byId("model");
  #provider = byId("provider");
  /** @type {HTMLSelectElement} */
  #profile = byId("profile");
  #settingsButton = byId("show-conversation-settings");
  #state;

  /**
   * @param {object} parts
   * @param {() => {provider: ProviderView | null, settings: ConversationSettings}} parts.state
   * @param {(settings: ConversationSettings) => void} parts.onConfigure  The conversation gets these settings.
   * @param {(profile: string) => void} parts.onActivate  This profile answers in all conversations without a profile of
   *   their own.
   */
  constructor({ state, onConfigure, onActivate }) {
    this.#state = state;
    this.#profile.addEventListener("change", () => {
      const { provider, settings } = state();
      if (!answererOf(provider, settings).hasOwnProfile) {
        onActivate(this.#profile.value);
        return;
      }
      // The conversation's own model is one of the former provider.
      const { model: _, ...others } = settings;
      onConfigure({ ...others, profile: this.#profile.value });
    });
  }

  update() {
    const { provider, settings } = this.#state();
    const { name, model } = answererOf(provider, settings);
    this.#model.textContent = (provider?.configured && model) || text("app_name");
    this.#provider.textContent = provider?.configured ? name : "";
    this.#showProfiles();
    const hasOwn = Object.keys(settings).length > 0;
    this.#settingsButton.hidden = !provider?.configured;
    this.#settingsButton.classList.toggle("has-own", hasOwn);
    this.#settingsButton.title = text(hasOwn ? "header_chat_settings_changed" : "chat_settings_title");
  }

  /** The worker has rejected a choice, so the next update shows again what holds. */
  resetChoice() {
    delete this.#profile.dataset.drawn;
  }

  /**
   * The list takes the place of the provider's name where there is more than one profile. It is the choice for this
   * conversation if that has a profile of its own, else for all conversations that have none.
   */
  #showProfiles() {
    const { provider, settings } = this.#state();
    const { profiles = [] } = provider ?? {};
    const { id, hasOwnProfile } = answererOf(provider, settings);
    this.#profile.hidden = profiles.length < 2;
    this.#provider.hidden = !this.#profile.hidden;
    this.#profile.title = text(hasOwnProfile ? "profile_for_conversation" : "profile_for_all");
    const drawn = JSON.stringify([profiles, id]);
    if (this.#profile.dataset.drawn === drawn) return;
    this.#profile.dataset.drawn = drawn;
    setChildren(
      this.#profile,
      profiles.map(({ id, name, model }) => el("option", { value: id }, text("profile_and_model", name, model))),
    );
    this.#profile.value = id ?? "";
  }
}
