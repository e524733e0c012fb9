/** Questions to Python that have one answer each, such as a test of a connection. */

import { toTurnError, UserError } from "../../shared/errors.js";
import { text } from "../../shared/text.js";

/**
 * Python's answer: whatever was asked for, or what went wrong.
 * @typedef {({ok: true} & Record<string, any>) | import("../../shared/requests.js").Refusal} Answer
 */

export class Questions {
  /** @type {Map<number, (answer: Answer) => void>} */
  #pending = new Map();
  #last = 0;
  #send;

  /**
   * @param {(message: {type: string} & Record<string, unknown>) => Promise<void>} send  To Python, which is started for
   *   it.
   */
  constructor(send) {
    this.#send = send;
  }

  /**
   * @param {{type: string} & Record<string, unknown>} question
   * @returns {Promise<Answer>}  Rejects when Python cannot be asked.
   */
  async ask(question) {
    this.#last += 1;
    const request = this.#last;
    /** @type {Promise<Answer>} */
    const answer = new Promise((resolve) => {
      this.#pending.set(request, resolve);
    });
    try {
      await this.#send({ ...question, request });
    } catch (error) {
      this.#pending.delete(request);
      throw error;
    }
    return answer;
  }

  /** @param {number} request @param {Answer} answer */
  settle(request, answer) {
    this.#pending.get(request)?.(answer);
    this.#pending.delete(request);
  }

  /** Python has ended, so the questions that it worked on get no other answer. */
  fail() {
    const error = toTurnError(new UserError("internal", text("boot_stopped"), text("error_try_again")));
    for (const request of [...this.#pending.keys()]) this.settle(request, { ok: false, error });
  }
}
