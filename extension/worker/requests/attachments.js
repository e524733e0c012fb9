/** Requests about what goes with a message, and about reading it from the page beside the panel. */

import { UserError } from "../../shared/errors.js";
import { described, dropAttachment, keepAttachment, loadAttachment } from "../../shared/storage/attachments.js";
import { text } from "../../shared/text.js";
import { captureTab, readPage, readSelection, shownTab } from "../page/page.js";
import { loadShown } from "../storage/stored-view.js";

/** @import { Handlers } from "./handler.js" */

/** @returns {Handlers<"KeepAttachment" | "LoadAttachment" | "DropAttachment" | "LoadShown" | "ReadPage">} */
export function attachmentHandlers() {
  return {
    KeepAttachment: async (request) => {
      const [attachment] = described([request.attachment]);
      if (!attachment) throw new UserError("invalid_request", text("attachment_invalid"));
      await keepAttachment(attachment, request.content);
      return {};
    },
    LoadAttachment: async ({ id, conversation = "" }) => {
      const content = await loadAttachment(String(conversation), String(id));
      if (content === undefined) throw new UserError("not_found", text("attachment_gone"));
      return { content };
    },
    DropAttachment: async ({ id }) => {
      await dropAttachment(String(id));
      return {};
    },
    LoadShown: async ({ conversation, turn, block }) => {
      const shown = await loadShown(String(conversation), String(turn), Number(block));
      if (!shown) throw new UserError("not_found", text("artifacts_gone"));
      return { shown };
    },
    ReadPage: async ({ what, window, granted }) => {
      const tab = await shownTab(window);
      if (what === "screenshot") return captureTab(tab, granted);
      const read = what === "selection" ? readSelection : readPage;
      return { page: await read(tab, granted) };
    },
  };
}
