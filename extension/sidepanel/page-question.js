/** Which page a call of `read_page` or `read_selection` would read, while it waits for the user's leave. */

import { pageName, publicAddress } from "../address.js";
import { el } from "../ui/dom.js";
import { waitForLeave } from "./page-leave.js";

const NO_LEAVE = "Sidestream may not read this page yet. Click its icon in the toolbar first, and then allow this.";

/** It is the page that is shown when the user says yes, so it follows the tabs. */
export class AskedPage {
  #title = el("strong");
  #address = el("span", { class: "address" });
  root = el("p", { class: "asked-page" }, this.#title, " ", this.#address);
  /** Ends the waiting for the user's leave. @type {(() => void) | null} */
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
    this.#title.textContent = url ? title : "";
    this.#address.textContent = url ? publicAddress(url) : NO_LEAVE;
    if (!url) this.#stopWaiting ??= waitForLeave(this.#follow);
    else {
      this.#stopWaiting?.();
      this.#stopWaiting = null;
    }
  }
}
