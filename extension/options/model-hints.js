/** What the form offers and explains about the model that is typed in it. */

import { EFFORTS, labelOf } from "../shared/choices.js";
import { text } from "../shared/text.js";
import { effortsOf, fillSelect } from "../ui/choices.js";
import { byId } from "../ui/dom.js";
import { controls, setPlaceholder, values } from "./fields.js";
import { readForm } from "./form.js";

/** @import {ModelFacts} from "../shared/protocol.js" */
/** @import {Ask} from "./ask.js" */

/** The worker is asked when the typing has paused for so long. */
const PAUSE_MS = 300;

export class ModelHints {
  #ask;
  /** The model that the facts are about. */
  #about = "";
  /** @type {ModelFacts} */
  #facts = {};
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #typing;

  /** @param {Ask} ask */
  constructor(ask) {
    this.#ask = ask;
  }

  /**
   * Another profile is in the form, of whose model nothing is known yet.
   * @param {string} [effort]  Its effort, which the menu must have even if only its provider knows it.
   */
  startOver(effort = "") {
    this.forget();
    this.#offerEfforts(effort, {});
  }

  /** The worker may know more now than when it was asked. */
  forget() {
    this.#about = "";
  }

  /** Asks the worker about the model, once the typing has paused. */
  describeSoon() {
    clearTimeout(this.#typing);
    this.#typing = setTimeout(() => this.#describe(), PAUSE_MS);
  }

  /** Shows what is known of the model at effort, summary and context window. */
  show() {
    const { efforts, supports_reasoning, context_window } = this.#facts;
    const effort = controls.effort.value;
    const isAccepted = !effort || !efforts || efforts.includes(effort);
    byId("effort-hint").textContent =
      supports_reasoning === false
        ? text("options_effort_unused")
        : text(isAccepted ? "options_effort_hint" : "options_effort_nearest");
    const isChat = controls.wire_api.value === "chat";
    byId("summary-hint").textContent = text(isChat ? "options_summary_responses_only" : "options_summary_hint");
    const known = context_window
      ? text("options_context_window_known", context_window)
      : text("options_context_window_unknown");
    setPlaceholder(controls.context_window, known);
  }

  /** Offers the efforts that the model accepts, as soon as somebody looks at them. */
  async #describe() {
    const { settings } = readForm(values(), { hasKey: true, hasSignIn: true, needsModel: false });
    const { preset, base_url, wire_api, model } = settings;
    const about = JSON.stringify([preset, base_url, model]);
    const isInView = /** @type {HTMLDetailsElement} */ (byId("advanced")).open;
    if (!isInView || about === this.#about) return;
    this.#about = about;
    const asked = { preset, name: "", base_url, wire_api, model };
    const reply = model ? await this.#ask({ type: "DescribeModel", settings: asked }) : undefined;
    // Another model has been typed in the meantime.
    if (this.#about !== about) return;
    this.#offerEfforts(controls.effort.value, (reply?.ok && reply.described) || {});
  }

  /** @param {string} effort  The one to select. @param {ModelFacts} facts */
  #offerEfforts(effort, facts) {
    this.#facts = facts;
    const { efforts, default_effort } = facts;
    const byDefault = default_effort
      ? text("options_default_of_model_known", labelOf(EFFORTS, default_effort))
      : text("options_default_of_model");
    fillSelect(/** @type {HTMLSelectElement} */ (controls.effort), byDefault, effortsOf(efforts), effort);
    this.show();
  }
}
