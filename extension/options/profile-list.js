/** The list of provider profiles: which one answers, and which one is in the form. */

import { hostOf } from "../shared/address.js";
import { text } from "../shared/text.js";
import { byId, el, setChildren } from "../ui/dom.js";

/** @import {ProfileView} from "../shared/protocol.js" */

/**
 * @typedef {object} Links
 * @property {(id: string | null) => void} onSelect  Show this profile in the form.
 * @property {(id: string) => void} onActivate  Let this profile answer.
 */

/**
 * @typedef {object} Shown
 * @property {ProfileView[]} profiles
 * @property {string | null} active  The profile that answers.
 * @property {string | null} selected  The profile in the form; null for a new one.
 */

export class ProfileList {
  #links;
  #list = byId("profile-list");
  /** What the list shows now. */
  #drawn = "";

  /** @param {Links} links */
  constructor(links) {
    this.#links = links;
    byId("add-profile").addEventListener("click", () => links.onSelect(null));
  }

  /**
   * The list is built again only when something in it has changed, so that the focus stays where it is.
   * @param {Shown} shown
   */
  draw(shown) {
    const { profiles, selected } = shown;
    byId("profiles").hidden = profiles.length === 0;
    byId("add-profile").hidden = selected === null;
    const drawn = JSON.stringify(shown);
    if (this.#drawn === drawn) return;
    this.#drawn = drawn;
    const focused = document.activeElement instanceof HTMLElement ? document.activeElement.id : "";
    const items = profiles.map((profile) => this.#item(profile, shown));
    if (selected === null) {
      items.push(el("li", { class: "new", "aria-current": "true" }, text("options_profile_new")));
    }
    setChildren(this.#list, items);
    if (focused) document.getElementById(focused)?.focus();
  }

  /** The radio buttons may show a choice that was not carried out: the next `draw` puts them right. */
  invalidate() {
    this.#drawn = "";
  }

  /** @param {ProfileView} profile @param {Shown} shown */
  #item({ id, settings, has_key, sign_in }, { active, selected }) {
    const { name, model, base_url } = settings;
    const state = sign_in
      ? text("options_profile_signed_in")
      : text(has_key ? "options_profile_has_key" : "options_profile_no_key");
    const radio = el("input", {
      type: "radio",
      name: "active",
      id: `use-${id}`,
      "aria-label": text("options_profile_use", name),
      onchange: () => this.#links.onActivate(id),
    });
    radio.checked = id === active;
    const button = el(
      "button",
      {
        type: "button",
        class: "quiet",
        id: `edit-${id}`,
        "aria-pressed": String(id === selected),
        onclick: () => this.#links.onSelect(id),
      },
      el("strong", {}, name),
      el("span", { class: "hint" }, text("options_profile_about", model, hostOf(base_url), state)),
    );
    return el("li", { "aria-current": id === selected && "true" }, radio, button);
  }
}
