/**
 * The conversation as the panel knows it, built from the worker's messages. The worker makes the same of the same
 * events, so it does not matter when a panel joins.
 */

import { applyEvent, hasEnded, isUnderWay, takeOver } from "../../shared/turn.js";

/** @import {Attachment, ConversationSettings, ConversationView, PanelMessage, Turn} from "../../shared/protocol.js" */

export class Conversation {
  id = "";
  /** @type {Turn[]} */
  turns = [];
  /** How many turns come before these. */
  earlier = 0;
  /** What the conversation has of its own. @type {ConversationSettings} */
  settings = {};
  /** @type {Map<string, number>} The last batch of events that is in each turn, where batches may still come. */
  #seq = new Map();
  /** @type {Map<string, {turn: Turn, conversation: string}>} Messages that the worker has not stored yet. */
  #unconfirmed = new Map();
  /** A batch is missing; nothing counts before the next `Conversation` message. */
  #incomplete = false;
  /** The conversation was begun here, and what the worker still says of another one does not count. */
  #isBegun = false;

  /** The turn that runs, if one does. */
  get running() {
    return this.turns.findLast(isUnderWay);
  }

  /** Whether any turn is under way or stands in line: until then the branches stay as they are. */
  get isActive() {
    return !this.turns.every(hasEnded);
  }

  /**
   * Messages to send again after the connection broke: the worker takes each id once. What it shows and has not stored
   * dies with it.
   * @returns {{id: string, text: string, conversation: string, attachments?: Attachment[]}[]}
   */
  get unconfirmed() {
    return [...this.#unconfirmed.values()].map(({ turn, conversation }) => ({
      id: turn.id,
      text: turn.user,
      conversation,
      ...(turn.attachments ? { attachments: turn.attachments } : {}),
    }));
  }

  /**
   * Shows the user's message before the worker has it.
   * @param {string} id
   * @param {string} text
   * @param {number} now
   * @param {Attachment[]} [attachments]
   */
  add(id, text, now, attachments = []) {
    if (this.#unconfirmed.has(id)) return;
    /** @type {Turn} */
    const turn = { id, user: text, created_at: now, status: "queued", blocks: [] };
    if (attachments.length > 0) turn.attachments = attachments;
    if (this.isActive) turn.waiting = { reason: "turn" };
    this.#unconfirmed.set(id, { turn, conversation: this.id });
    this.turns.push(turn);
  }

  /**
   * Shows an empty conversation before the worker does.
   * @param {string} id
   */
  begin(id) {
    this.id = id;
    this.turns = [];
    this.earlier = 0;
    this.settings = {};
    this.#isBegun = true;
  }

  /**
   * Takes back a message that the worker rejected.
   * @param {string} id
   * @returns {{text: string, attachments: Attachment[], conversation: string} | undefined}  The message, if it was
   *   waiting for the worker.
   */
  takeBack(id) {
    const unconfirmed = this.#unconfirmed.get(id);
    if (!unconfirmed) return undefined;
    this.remove(id);
    const { user, attachments = [] } = unconfirmed.turn;
    return { text: user, attachments, conversation: unconfirmed.conversation };
  }

  /**
   * The worker has stored a turn.
   * @param {string} id
   */
  confirm(id) {
    this.#unconfirmed.delete(id);
  }

  /**
   * Forgets a turn that was taken out of the line.
   * @param {string} id
   */
  remove(id) {
    this.#unconfirmed.delete(id);
    this.turns = this.turns.filter((turn) => turn.id !== id);
  }

  /**
   * @param {Extract<PanelMessage, {type: "Conversation" | "Turn" | "Events" | "Earlier" | "Configured"}>} message
   * @returns {boolean}  False when a batch is missing: the panel has to join again.
   */
  receive(message) {
    if (message.type === "Conversation" && message.conversation.id === this.id) this.#isBegun = false;
    if (this.#isBegun) return true;
    if (message.type === "Conversation") this.#replace(message.conversation, message.seq);
    else if (message.type === "Turn") this.#update(message.turn);
    else if (message.type === "Earlier") this.#prepend(message.turns, message.earlier);
    else if (message.type === "Configured") this.settings = message.settings;
    else if (!this.#incomplete) return this.#apply(message);
    return true;
  }

  /**
   * @param {ConversationView} conversation
   * @param {number} seq
   */
  #replace(conversation, seq) {
    const known = conversation.id === this.id ? new Map(this.turns.map((turn) => [turn.id, turn])) : new Map();
    const before = known.size > 0 ? this.#before(conversation.turns[0]) : [];
    this.id = conversation.id;
    this.earlier = Math.max((conversation.earlier ?? 0) - before.length, 0);
    this.settings = conversation.settings ?? {};
    this.#incomplete = false;
    this.#seq.clear();
    this.turns = conversation.turns.map((fresh) => {
      this.#confirmEnded(fresh);
      if (isUnderWay(fresh)) this.#seq.set(fresh.id, seq);
      const turn = known.get(fresh.id);
      return turn ? takeOver(turn, fresh) : fresh;
    });
    this.turns = [...before, ...this.turns];
    for (const waiting of this.#unconfirmed.values()) {
      // What was written before the panel knew its conversation is meant for the one that it gets.
      waiting.conversation ||= this.id;
      const isMissing = !this.turns.some(({ id }) => id === waiting.turn.id);
      if (waiting.conversation === this.id && isMissing) this.turns.push(waiting.turn);
    }
  }

  /**
   * What was loaded before a turn that comes again: the way from it to the first one never changes.
   * @param {Turn | undefined} oldest
   * @returns {Turn[]}
   */
  #before(oldest) {
    const at = this.turns.findIndex((turn) => turn.id === oldest?.id);
    return at > 0 && this.turns[at - 1].id === oldest?.parent ? this.turns.slice(0, at) : [];
  }

  /**
   * Turns that were asked for before another branch or conversation came are of no use any more.
   * @param {Turn[]} turns
   * @param {number} earlier
   */
  #prepend(turns, earlier) {
    const [first] = this.turns;
    if (turns.length === 0 || first?.parent !== turns.at(-1)?.id) return;
    this.turns = [...turns, ...this.turns];
    this.earlier = earlier;
  }

  /**
   * What has ended is not sent again unasked, even if the disk is full.
   * @param {Turn} fresh
   */
  #confirmEnded(fresh) {
    if (hasEnded(fresh)) this.confirm(fresh.id);
  }

  /** @param {Turn} fresh */
  #update(fresh) {
    this.#confirmEnded(fresh);
    const turn = this.turns.find((other) => other.id === fresh.id);
    const beginsAnew = turn && !isUnderWay(turn) && isUnderWay(fresh);
    if (!this.#seq.has(fresh.id) || beginsAnew) this.#seq.set(fresh.id, 0);
    if (turn) takeOver(turn, fresh);
    else this.turns.push(fresh);
  }

  /**
   * @param {Extract<PanelMessage, {type: "Events"}>} batch
   * @returns {boolean}
   */
  #apply({ turn_id, seq, first = seq, events }) {
    const turn = this.turns.find((other) => other.id === turn_id);
    const last = this.#seq.get(turn_id);
    if (turn && last !== undefined && seq <= last) return true;
    if (!turn || last === undefined || first !== last + 1) {
      this.#incomplete = true;
      return false;
    }
    this.#seq.set(turn_id, seq);
    for (const event of events) applyEvent(turn, event);
    return true;
  }
}
