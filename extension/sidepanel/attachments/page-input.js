/**
 * The page beside the panel as an attachment: from the menu at the composer, and from what the user does outside of the panel.
 */

import { intakeOf, takeAll } from "../../shared/inbox.js";
import { byId } from "../../ui/dom.js";
import { waitForPermission } from "./page-permission.js";

/** @import {Intake, PageText, TurnError} from "../../shared/protocol.js" */
/** @import {Reply, Request} from "../../shared/requests.js" */
/** @import {AttachMenu} from "./attach-menu.js" */
/** @import {AttachmentTray} from "./attachments.js" */
/** @import {Place} from "../composer/drafts.js" */
/** @typedef {Extract<Request, {type: "ReadPage"}>["what"]} What */

/** What a screenshot needs, no leave for sites gives. */
const SITES = ["https://*/*", "http://*/*"];

export class PageInput {
  /** @type {AttachmentTray} */
  #tray;
  /** The window that the panel is in. @type {number | undefined} */
  #window;
  #note = byId("page-note");
  #allow = byId("page-allow");
  /** Ends the waiting for the user's leave. @type {(() => void) | null} */
  #stopWaiting = null;
  /** What is read when there is leave. @type {What} */
  #wanted = "page";
  #links;

  /**
   * @param {object} parts
   * @param {AttachmentTray} parts.tray
   * @param {AttachMenu} parts.menu
   * @param {() => void} parts.onAttached  The user goes on at the composer.
   * @param {(text: string) => void} parts.onQuestion  Something was asked in the address bar.
   */
  constructor({ tray, menu, ...links }) {
    this.#tray = tray;
    this.#links = links;
    menu.add({ icon: "page", label: "This page", act: () => this.#attach("page") });
    menu.add({ icon: "selection", label: "Selection", act: () => this.#attach("selection") });
    menu.add({ icon: "screenshot", label: "Screenshot", act: () => this.#attach("screenshot") });
    this.#allow.addEventListener("click", () => this.#askForSites());
    byId("page-dismiss").addEventListener("click", () => {
      this.#rest();
      this.#links.onAttached();
    });
  }

  /** @param {number | undefined} window  That the panel is in. What was handed over there is taken, now and later. */
  listen(window) {
    this.#window = window;
    if (window === undefined) return;
    chrome.storage.onChanged.addListener((changes, area) => {
      if (area === "session" && changes[intakeOf(window)]?.newValue) this.#take(window);
    });
    this.#take(window);
  }

  /** @param {number} window */
  async #take(window) {
    for (const thing of await takeAll(window)) await this.#accept(thing);
  }

  /** @param {Intake} thing */
  async #accept(thing) {
    if (thing.type === "question") return this.#links.onQuestion(thing.text);
    this.#rest();
    if (thing.type !== "problem") await this.#add(thing.type, thing.page);
    else if (thing.error.kind === "permission") this.#wait(thing.what, thing.error);
    else this.#tray.say(wordsOf(thing.error));
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
      else if (!reply.ok) throw new Error(wordsOf(reply.error));
      else if (reply.page) await this.#add(what, reply.page, reply.image, place);
    });
    this.#links.onAttached();
  }

  /**
   * @param {What} what
   * @param {PageText} page
   * @param {string} [image]  Of a screenshot, as a `data:` URL.
   * @param {Place} [place]  The draft that it is for.
   */
  async #add(what, { title, url, text, missing }, image, place) {
    if (what !== "screenshot") {
      const about = { kind: what, title, ...(url ? { url } : {}), ...(missing ? { missing } : {}) };
      return this.#tray.add(about, text, place);
    }
    const picture = await fetch(image ?? "");
    return this.#tray.addImage(await picture.blob(), title || "Screenshot", url || undefined, place);
  }

  // --- leave --------------------------------------------------------------------------------------------------------

  /**
   * Says that there is no leave, and goes on when there is.
   * @param {What} what
   * @param {TurnError} error
   */
  #wait(what, error) {
    this.#wanted = what;
    byId("page-note-text").textContent = wordsOf(error);
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
    // The browser asks the user; `page-leave.js` hears of a yes.
    await chrome.permissions.request({ origins: SITES }).catch((error) => this.#tray.say(String(error)));
  }
}

/** @param {TurnError} error */
function wordsOf({ message, hint }) {
  return [message, hint].filter(Boolean).join(" ");
}
