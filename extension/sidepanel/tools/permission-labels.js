/** Texts about the permissions of a conversation. */

import { plural, text } from "../../shared/text.js";
import { OTHERS_TOOLS, OWN_TOOLS } from "../../ui/choices.js";
import { rowText } from "../formats.js";

/** @import {ConversationSettings} from "../../shared/protocol.js" */
/** @import {ToolChoice} from "../../ui/choices.js" */

/**
 * The tools of a provider that a conversation may use.
 * @param {ConversationSettings} settings
 * @param {Record<string, string>} has  The tools that the provider has.
 * @returns {ToolChoice[]}
 */
function inUse({ tools = {}, vector_stores = [] }, has) {
  const found = OTHERS_TOOLS.filter(({ name }) => name in has && tools[name] === "always");
  return found.filter(({ name }) => name !== "file_search" || vector_stores.length > 0);
}

/**
 * The tools that the model may use in a conversation, in a line. Empty if it may use none.
 * @param {ConversationSettings} settings
 * @param {Record<string, string>} has  The tools that the provider has.
 * @returns {string}
 */
export function permissionsText(settings, has) {
  const { tools = {}, network = [] } = settings;
  const own = OWN_TOOLS.flatMap(({ name, label }) => {
    const permission = tools[name];
    if (permission !== "ask" && permission !== "always") return [];
    const notes = [
      permission === "ask" ? text("permissions_asks") : "",
      name === "python" && network.length > 0 ? plural("permissions_host_count", network.length) : "",
    ].filter(Boolean);
    return notes.length > 0 ? text("permissions_tool_and_notes", label, rowText(notes)) : label;
  });
  return rowText([...own, ...inUse(settings, has).map(({ label }) => label)]);
}

/**
 * Says which tools are switched on that the provider does not have, so that the model is not offered them. Empty if
 * there are none.
 * @param {ConversationSettings} settings
 * @param {string} provider  Its name.
 * @param {Record<string, string>} has  The tools that the provider has.
 * @returns {string}
 */
export function missingToolsText({ tools = {} }, provider, has) {
  const lacking = OTHERS_TOOLS.filter(({ name }) => tools[name] === "always" && !(name in has));
  const list = rowText(lacking.map(({ label }) => label));
  return list && text("permissions_missing", provider, list);
}
