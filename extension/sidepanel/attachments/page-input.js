/**
 * The page beside the panel as an attachment: from the menu at the composer, and from what the user does outside of the
 * panel.
 */

import { inboxKey, takeFromInbox } from "../../shared/inbox.js";
import { text as message } from "../../shared/text.js";
import { byId } from "../../ui/dom.js";
import { waitForPermission } from "./page-permission.js";

/** @import {InboxEntry, PageText, TurnError} from "../../shared/protocol.js" */
/** @import {Reply, Request} from "../../shared/requests.js" */
/** @import {AttachMenu} from "./attach-menu.js" */
/** @import {AttachmentTray} from "./attachments.js" */
/** @import {DraftHandle} from "../drafts/drafts.js" */
/** @typedef {Extract<Request, {type: "ReadPage"}>["what"]} What */

/** The sites that are asked for. A screenshot needs a click on the icon instead: no permission for sites allows it. */
const SITES = ["https://*/*", "http://*/*"];

export class PageInput {
  /** @type {AttachmentTray} */
  #tray;
  /** The window that the panel is in. @type {number | undefined} */
  #window;
  #note = byId("page-note");
  #allow = byId("page-allow");
  /** Ends the waiting for the user's permission. @type {(() => void) | null} */
  #stopWaiting = null;
  /** What is read as soon as it is permitted. @type {What} */
  #wanted = "page";
  #links;

  /**
   * @param {object} parts
   * @param {AttachmentTray} parts.tray
   * @param {AttachMenu} parts.menu
   * @param {() => void} parts.onAttached  The user continues at the composer.
   * @param {(text: string) => void} parts.onQuestion  Something was asked in the address bar.
   */
  constructor({ tray, menu, ...links }) {
    this.#tray = tray;
    this.#links = links;
    menu.add({ icon: "page", label: message("attach_page"), act: () => this.#attach("page") });
    menu.add({ icon: "selection", label: message("attach_selection"), act: () => this.#attach("selection") });
    menu.add({ icon: "screenshot", label: message("attach_screenshot"), act: () => this.#attach("screenshot") });
    this.#allow.addEventListener("click", () => this.#askForSites());
    byId("page-dismiss").addEventListener("click", () => {
      this.#rest();
      this.#links.onAttached();
    });
  }

  /**
   * Takes what was handed over to the panel of this window, now and later.
   * @param {number | undefined} window  The window that the panel is in.
   */
  listen(window) {
    this.#window = window;
    if (window === undefined) return;
    chrome.storage.onChanged.addListener((changes, area) => {
      if (area === "session" && changes[inboxKey(window)]?.newValue) this.#take(window);
    });
    this.#take(window);
  }

  /** @param {number} window */
  async #take(window) {
    for (const entry of await takeFromInbox(window)) await this.#accept(entry);
  }

  /** @param {InboxEntry} thing */
  async #accept(thing) {
    if (thing.type === "question") return this.#links.onQuestion(thing.text);
    this.#rest();
    if (thing.type !== "problem") await this.#add(thing.type, thing.page);
    else if (thing.error.kind === "permission") this.#wait(thing.what, thing.error);
    else this.#tray.say(textOf(thing.error));
    this.#links.onAttached();
  }

  /**
   * @param {What} what
   * @param {boolean} [isGranted]  By a click on the extension's icon.
   */
  async #attach(what, isGranted = false) {
    this.#rest();
    await this.#tray.during(async (place) => {
      /** @type {Request} */
      const request = { type: "ReadPage", what, window: this.#window, granted: isGranted };
      /** @type {Reply<"ReadPage">} */
      const reply = await chrome.runtime.sendMessage(request);
      if (!reply.ok && reply.error.kind === "permission") this.#wait(what, reply.error);
      else if (!reply.ok) throw new Error(textOf(reply.error));
      else if (reply.page) await this.#add(what, reply.page, reply.image, place);
    });
    this.#links.onAttached();
  }

  /**
   * @param {What} what
   * @param {PageText} page
   * @param {string} [image]  Of a screenshot, as a `data:` URL.
   * @param {DraftHandle} [place]  The draft that it is for.
   */
  async #add(what, { title, url, text, missing }, image, place) {
    if (what !== "screenshot") {
      const about = { kind: what, title, ...(url ? { url } : {}), ...(missing ? { missing } : {}) };
      return this.#tray.add(about, text, place);
    }
    const picture = await fetch(image ?? "");
    return this.#tray.addImage(await picture.blob(), title || message("attach_screenshot"), url || undefined, place);
  }

  // --- permission ---------------------------------------------------------------------------------------------------

  /**
   * Says that the page may not be read, and reads it as soon as the user permits it.
   * @param {What} what
   * @param {TurnError} error
   */
  #wait(what, error) {
    this.#wanted = what;
    byId("page-note-text").textContent = textOf(error);
    this.#allow.hidden = what === "screenshot";
    this.#note.hidden = false;
    this.#stopWaiting ??= waitForPermission(() => this.#attach(this.#wanted, true));
  }

  #rest() {
    this.#stopWaiting?.();
    this.#stopWaiting = null;
    this.#note.hidden = true;
    this.#tray.say("");
  }

  async #askForSites() {
    // The browser asks the user, and `page-permission.js` gets its event if the user agrees.
    await chrome.permissions.request({ origins: SITES }).catch((error) => this.#tray.say(String(error)));
  }
}

/** @param {TurnError} error */
function textOf({ message, hint }) {
  return [message, hint].filter(Boolean).join(" ");
}
