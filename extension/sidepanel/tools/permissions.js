/**
 * The permissions of a conversation: which tools the model may use by itself, which hosts Python may reach, and the
 * limits of both. They are a part of the conversation's settings.
 */

import { PERMISSIONS } from "../../shared/choices.js";
import { readHosts } from "../../shared/hosts.js";
import { text } from "../../shared/text.js";
import { fillSelect, OTHERS_TOOLS, OWN_TOOLS, optionsOf } from "../../ui/choices.js";
import { byId, el } from "../../ui/dom.js";

/** @import {ConversationSettings, Permission, ToolLimits} from "../../shared/protocol.js" */
/** @import {ToolChoice} from "../../ui/choices.js" */

/**
 * The part of the settings that is edited here.
 * @typedef {Pick<ConversationSettings, "tools" | "network" | "vector_stores" | "limits">} PermissionSettings
 */

/** @type {readonly (keyof ToolLimits)[]} */
const LIMITS = ["calls", "seconds", "tokens"];

/** The section of the settings dialog. */
export class Permissions {
  #own = byId("own-permissions");
  #others = byId("others-permissions");
  /** @type {HTMLTextAreaElement} */
  #hosts = byId("own-hosts");
  /** @type {HTMLInputElement} */
  #stores = byId("own-vector-stores");
  /** @type {Map<keyof ToolLimits, HTMLInputElement>} */
  #limits = new Map(LIMITS.map((name) => [name, byId(`own-limit-${name}`)]));
  /** @type {Map<string, HTMLSelectElement>} */
  #selects = new Map();
  /** @type {Map<string, HTMLInputElement>} */
  #switches = new Map();

  constructor() {
    for (const tool of OWN_TOOLS) {
      const select = el("select");
      this.#selects.set(tool.name, select);
      this.#own.append(row(tool, select));
    }
    for (const tool of OTHERS_TOOLS) {
      const toggle = el("input", { type: "checkbox", role: "switch", onchange: () => this.#showStores() });
      this.#switches.set(tool.name, toggle);
      this.#others.append(row(tool, toggle));
    }
  }

  /** @param {ConversationSettings} settings */
  fill({ tools = {}, network = [], vector_stores = [], limits = {} }) {
    for (const [name, select] of this.#selects) {
      fillSelect(
        select,
        text("permissions_never"),
        optionsOf(PERMISSIONS),
        tools[name] === "never" ? "" : (tools[name] ?? ""),
      );
    }
    for (const [name, toggle] of this.#switches) toggle.checked = tools[name] === "always";
    this.#hosts.value = network.join("\n");
    this.#stores.value = vector_stores.join(", ");
    for (const [name, input] of this.#limits) input.value = String(limits[name] ?? "");
  }

  /**
   * Shows the tools that the provider has, and those that are switched on although it does not have them.
   * @param {string} provider  Its name.
   * @param {Record<string, "yes" | "perhaps">} has
   */
  offer(provider, has) {
    for (const { name, does } of OTHERS_TOOLS) {
      const toggle = /** @type {HTMLInputElement} */ (this.#switches.get(name));
      const line = /** @type {HTMLElement} */ (toggle.closest(".permission"));
      line.hidden = !(name in has) && !toggle.checked;
      /** @type {HTMLElement} */ (line.querySelector(".hint")).textContent =
        name in has ? does : `${does} ${text("permissions_unavailable", provider)}`;
    }
    byId("others-hint").hidden = !Object.values(has).includes("perhaps");
    byId("others-title").textContent = provider
      ? text("permissions_provider_named", provider)
      : text("permissions_provider");
    byId("others-tools").hidden = [...this.#others.children].every((line) => /** @type {HTMLElement} */ (line).hidden);
    this.#showStores();
  }

  #showStores() {
    byId("own-vector-stores-field").hidden = !this.#switches.get("file_search")?.checked;
  }

  /**
   * What is chosen; or what is wrong with it, and the field in which it is wrong.
   * @returns {{settings: PermissionSettings} | {problem: string, place: HTMLElement}}
   */
  read() {
    const { hosts, error } = readHosts(this.#hosts.value);
    if (error) return { problem: error, place: this.#hosts };
    const stores = this.#stores.value.split(/[\s,;]+/).filter(Boolean);
    const searchesFiles = this.#switches.get("file_search")?.checked;
    if (searchesFiles && stores.length === 0) {
      return { problem: text("permissions_no_vector_store"), place: this.#stores };
    }
    /** @type {Record<string, Permission>} */
    const tools = {};
    for (const [name, { value }] of this.#selects) if (value) tools[name] = /** @type {Permission} */ (value);
    for (const [name, { checked }] of this.#switches) if (checked) tools[name] = "always";
    /** @type {ToolLimits} */
    const limits = {};
    for (const [name, input] of this.#limits) {
      const typed = input.value.trim();
      if (!/^\d{0,9}$/.test(typed) || Number(typed || 1) < 1 || !input.validity.valid) {
        return { problem: text("limits_invalid"), place: input };
      }
      if (typed) limits[name] = Number(typed);
    }
    return {
      settings: {
        ...unlessEmpty("tools", tools),
        ...(hosts.length > 0 ? { network: hosts } : {}),
        ...(searchesFiles ? { vector_stores: stores } : {}),
        ...unlessEmpty("limits", limits),
      },
    };
  }

  /** Brings the section into view, for a user who has opened the dialog because of it. */
  show() {
    byId("permissions").scrollIntoView();
    this.#selects.values().next().value?.focus({ preventScroll: true });
  }
}

/**
 * @param {ToolChoice} tool
 * @param {HTMLElement} control
 */
function row({ name, label, does }, control) {
  control.id = `own-tool-${name}`;
  control.setAttribute("aria-describedby", `${control.id}-hint`);
  return el(
    "div",
    { class: "permission" },
    el("label", { for: control.id }, label),
    control,
    el("p", { class: "hint", id: `${control.id}-hint` }, does),
  );
}

/**
 * @template {string} K
 * @template {object} V
 * @param {K} name
 * @param {V} values
 * @returns {{[name in K]?: V}}
 */
function unlessEmpty(name, values) {
  return /** @type {any} */ (Object.keys(values).length > 0 ? { [name]: values } : {});
}
