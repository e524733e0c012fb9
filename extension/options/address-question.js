/** Asks whether an unusual address is the right one, before a key is stored for it or sent there. */

import { hostOf } from "../shared/address.js";
import { text } from "../shared/text.js";
import { addressRisks } from "./address-risk.js";
import { originOf } from "./form.js";

/** @import {Settings} from "../shared/protocol.js" */
/** @import {Confirmed} from "./question.js" */

export class AddressQuestion {
  #confirmed;
  /** The addresses that the user has confirmed on this page, with their provider. @type {Set<string>} */
  #answered = new Set();

  /** @param {Confirmed} confirm */
  constructor(confirm) {
    this.#confirmed = confirm;
  }

  /**
   * Whether the user means this address. Only what is unusual is asked about, and only once.
   * @param {Settings} settings
   * @param {boolean} hasKey  A key would go there.
   * @returns {Promise<boolean>}
   */
  async isMeant({ preset, base_url }, hasKey) {
    const risks = addressRisks(base_url, { preset, hasKey });
    const about = JSON.stringify([preset, originOf(base_url), risks]);
    if (risks.length === 0 || this.#answered.has(about)) return true;
    const reasons = [...risks, text("options_address_warning")].join(" ");
    const title = text("options_address_title", hostOf(base_url));
    const isMeant = await this.#confirmed(title, reasons, text("options_address_use"));
    if (isMeant) this.#answered.add(about);
    return isMeant;
  }
}
