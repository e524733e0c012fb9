/** Which page a call of `read_page` or `read_selection` would read, while it waits for the user's leave. */

import { publicAddress } from "../address.js";
import { el } from "../ui/dom.js";

const QUESTIONS = /** @type {Record<string, string>} */ ({
  read_page: "The model wants to read the page beside this panel. Allow it?",
  read_selection: "The model wants to read what you have selected on the page beside this panel. Allow it?",
});

/**
 * What is asked of the user before a page is read.
 * @param {string} name  Of the tool.
 * @returns {string | undefined}  Undefined for a tool that reads none.
 */
export function pageQuestion(name) {
  return QUESTIONS[name];
}

/** It is the page that is shown when the user says yes, so it follows the tabs. */
export class AskedPage {
  #title = el("strong");
  #address = el("span", { class: "address" });
  root = el("p", { class: "asked-page" }, this.#title, " ", this.#address);
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

  close() {
    chrome.tabs.onActivated.removeListener(this.#follow);
    chrome.tabs.onUpdated.removeListener(this.#follow);
  }

  async #show() {
    const [tab] = await chrome.tabs.query({ active: true, currentWindow: true }).catch(() => []);
    const { url = "", title = "" } = tab ?? {};
    this.#title.textContent = url ? title : "";
    this.#address.textContent = url
      ? publicAddress(url)
      : "Sidestream may not read this page yet. Click its icon in the toolbar first, and then Allow.";
  }
}
