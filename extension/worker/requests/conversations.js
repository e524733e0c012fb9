/** Requests about the list of conversations, and about what is stored. */

import { purgeDrafts } from "../../shared/storage/attachments.js";
import { database } from "../../shared/storage/database.js";
import {
  deleteConversation,
  freeStorage,
  listConversations,
  renameConversation,
  storageUse,
  undoDelete,
} from "../storage/conversation-list.js";
import { exportConversations, importConversations } from "../storage/transfer.js";
import { usageByDay } from "../storage/usage.js";

/** @import { Handlers, Links } from "./handler.js" */

/**
 * @param {Links} links
 * @returns {Handlers<"ListConversations" | "RenameConversation" | "DeleteConversation" | "UndoDelete" |
 *   "ExportConversations" | "ImportConversations" | "StorageUse" | "FreeStorage" | "UsageByDay">}
 */
export function conversationHandlers({ conversationsInUse, onDelete }) {
  return {
    ListConversations: async (request) => listConversations(request, await conversationsInUse()),
    RenameConversation: async ({ id, title }) => {
      await renameConversation(id, title);
      return {};
    },
    DeleteConversation: async ({ id }) => {
      const deleted = await deleteConversation(id);
      await onDelete(id);
      return deleted;
    },
    UndoDelete: async ({ id }) => {
      await undoDelete(id);
      return {};
    },
    ExportConversations: (request) => exportConversations(request),
    ImportConversations: ({ text, instructions }) => importConversations(text, instructions),
    StorageUse: async () => ({ storage: await storageUse() }),
    FreeStorage: async ({ older_than }) => {
      await purgeDrafts();
      return freeStorage(older_than, await conversationsInUse());
    },
    UsageByDay: async ({ days }) => ({ days: await usageByDay(await database(), days) }),
  };
}
