/** Which provider and model answer in a conversation. */

/** @import {ConversationSettings, ProviderView} from "../shared/protocol.js" */

/**
 * Who answers in a conversation.
 * @param {ProviderView | null} provider
 * @param {ConversationSettings} own
 * @returns {{id: string | null, name: string, model: string, hasOwnProfile: boolean, tools: Record<string, "yes" |
 *   "perhaps">}}
 */
export function answererOf(provider, own) {
  if (!provider) return { id: null, name: "", model: own.model ?? "", hasOwnProfile: false, tools: {} };
  const profile = provider.profiles.find(({ id }) => id === own.profile);
  const { name, model } = profile ?? provider;
  const { tools = {} } = profile ?? provider.profiles.find(({ id }) => id === provider.active) ?? {};
  return {
    id: profile?.id ?? provider.active,
    name,
    model: own.model ?? model,
    hasOwnProfile: profile !== undefined,
    tools,
  };
}
