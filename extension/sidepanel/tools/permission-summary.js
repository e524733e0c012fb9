/** The line below the composer that says which tools the model may use in this conversation. */

import { byId } from "../../ui/dom.js";
import { answererOf } from "../settings/answerer.js";
import { lackText, leaveText } from "./permissions.js";

/** @import {ConversationSettings, ProviderView} from "../../shared/protocol.js" */

export class PermissionSummary {
  #button = byId("may");
  #text = byId("may-text");

  /** @param {() => void} onClick */
  constructor(onClick) {
    this.#button.title = "What this conversation may do";
    this.#button.addEventListener("click", onClick);
  }

  /**
   * @param {ProviderView | null} provider
   * @param {ConversationSettings} settings
   */
  update(provider, settings) {
    const { name, tools } = answererOf(provider, settings);
    const may = leaveText(settings, tools);
    this.#button.hidden = !provider?.configured;
    const line = may ? `May use: ${may}` : "May use no tools";
    const lack = lackText(settings, name, tools);
    this.#text.textContent = lack ? `${line}. ${lack}` : line;
  }
}
