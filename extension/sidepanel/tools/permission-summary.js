/** The line below the composer that says which tools the model may use in this conversation. */

import { byId } from "../../ui/dom.js";
import { answererOf } from "../answerer.js";
import { missingToolsText, permissionsText } from "./permission-labels.js";

/** @import {ConversationSettings, ProviderView} from "../../shared/protocol.js" */

export class PermissionSummary {
  #button = byId("permission-summary");
  #text = byId("permission-summary-text");

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
    const may = permissionsText(settings, tools);
    this.#button.hidden = !provider?.configured;
    const line = may ? `May use: ${may}` : "May use no tools";
    const lack = missingToolsText(settings, name, tools);
    this.#text.textContent = lack ? `${line}. ${lack}` : line;
  }
}
