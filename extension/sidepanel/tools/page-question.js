/** Shows which page a call of `read_page` or `read_selection` would read, while it waits for the user's approval. */

import { hostOf, pageName, publicAddress } from "../../shared/address.js";
import { text as message, plural } from "../../shared/text.js";
import { el } from "../../ui/dom.js";
import { revealed } from "../../ui/revealed.js";
import { waitForPermission } from "../attachments/page-permission.js";

/** Characters of a title; an address has twice as many. */
const LONGEST = 150;

/** The page that is read is the one that is shown when the user approves, so this follows the tabs. */
export class AskedPage {
  /**
   * The host comes first and by itself, so that neither a title nor a long address can pass for it, or push it out of
   * view.
   */
  #host = el("strong", { class: "host" });
  #title = el("span", { class: "title" });
  #address = el("span", { class: "address" });
  root = el("p", { class: "asked-page" }, this.#host, " ", this.#title, " ", this.#address);
  /** Ends the waiting for the user's permission. @type {(() => void) | null} */
  #stopWaiting = null;
  #isClosed = false;
  #name = pageName({});
  #follow = () => {
    if (this.root.isConnected) this.#show();
    // Another conversation is shown.
    else this.close();
  };

  constructor() {
    chrome.tabs.onActivated.addListener(this.#follow);
    chrome.tabs.onUpdated.addListener(this.#follow);
    this.#show();
  }

  /** The page that is shown here now. */
  get name() {
    return this.#name;
  }

  close() {
    this.#isClosed = true;
    chrome.tabs.onActivated.removeListener(this.#follow);
    chrome.tabs.onUpdated.removeListener(this.#follow);
    this.#stopWaiting?.();
  }

  async #show() {
    const [tab] = await chrome.tabs.query({ active: true, currentWindow: true }).catch(() => []);
    if (this.#isClosed) return;
    const { url = "", title = "" } = tab ?? {};
    this.#name = pageName(tab ?? {});
    this.#host.textContent = hostOf(url);
    this.#title.textContent =
      url && title ? message("tool_page_title", shortened(revealed(title.slice(0, 2 * LONGEST)), LONGEST)) : "";
    this.#address.textContent = url ? shortened(publicAddress(url), 2 * LONGEST) : message("tool_page_not_permitted");
    if (!url) this.#stopWaiting ??= waitForPermission(this.#follow);
    else {
      this.#stopWaiting?.();
      this.#stopWaiting = null;
    }
  }
}

/** @param {string} text @param {number} most */
function shortened(text, most) {
  if (text.length <= most) return text;
  return plural("tool_more_characters", text.length - most, text.slice(0, most));
}
