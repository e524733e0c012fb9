/** The line below the composer that says which tools the model may use in this conversation. */

import { text as message } from "../../shared/text.js";
import { byId } from "../../ui/dom.js";
import { answererOf } from "../answerer.js";
import { missingToolsText, permissionsText } from "./permission-labels.js";

/** @import {ConversationSettings, ProviderView} from "../../shared/protocol.js" */

export class PermissionSummary {
  #button = byId("permission-summary");
  #text = byId("permission-summary-text");

  /** @param {() => void} onClick */
  constructor(onClick) {
    this.#button.title = message("permissions_title");
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
    const line = may ? message("permissions_tools", may) : message("permissions_no_tools");
    const lack = missingToolsText(settings, name, tools);
    this.#text.textContent = lack ? message("permissions_tools_and_missing", line, lack) : line;
  }
}
