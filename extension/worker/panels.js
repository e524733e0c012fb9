/**
 * The open side panels; several are fine.
 *
 * A panel draws once per frame and then acknowledges what it has drawn. Each frame brings it one batch of events at
 * most: while one is under way the next ones wait, and go as one. One that the panel waits for goes at once. A frame
 * that is late holds up what is drawn, but not what is sent, or it would make the next one late as well.
 *
 * A panel that does not keep up (hidden, or busy) is left alone when more than {@link LIMIT} characters would be on
 * their way to it: it gets no more news, and when it has drawn all that it was sent, the whole conversation instead of
 * what it missed. So what waits for a panel is bounded, whatever the panel does.
 */

/** @import { PanelMessage } from "../shared/protocol.js" */
/** @typedef {Extract<PanelMessage, {type: "Events"}>} Events */

/** Characters of news that may be on their way to a panel. */
export const LIMIT = 1 << 20;

/**
 * So long after a frame the next batch leaves, at the earliest: late enough to hold most of what comes before the next
 * frame, and early enough to be drawn in it.
 */
export const AFTER_FRAME_MS = 10;
/**
 * So long after a batch the next one leaves even if that was not drawn: longer than a frame and its acknowledgement
 * take.
 */
export const LATE_MS = 20;

class Panel {
  /** The id of the conversation that it shows; undefined before it has joined. @type {Promise<string> | undefined} */
  shown;
  /** The window that it is in. @type {number | undefined} */
  window;
  /** It misses news. */
  behind = false;
  /**
   * Messages that it has not acknowledged, oldest first, with their characters of news.
   * @type {{size: number, isBatch: boolean}[]}
   */
  #underWay = [];
  /** Characters of news under way and held. */
  #size = 0;
  /** Batches that wait for their turn, as one. @type {Events | undefined} */
  #held;
  #heldSize = 0;
  /** When the next batch may leave. */
  #free = Number.NEGATIVE_INFINITY;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  #port;
  #onGone;

  /**
   * @param {chrome.runtime.Port} port
   * @param {() => void} onGone  Called when the page has gone and its port does not know it yet.
   */
  constructor(port, onGone) {
    this.#port = port;
    this.#onGone = onGone;
  }

  /** @param {number} size  Whether so much more may be sent: what is larger than the limit only goes alone. */
  hasRoom(size) {
    return this.#size === 0 || this.#size + size <= LIMIT;
  }

  get drained() {
    return this.#underWay.length === 0;
  }

  /**
   * In its turn, after what is held.
   * @param {PanelMessage} message
   * @param {number} size
   */
  send(message, size) {
    this.#release();
    this.#size += size;
    this.#post(message, size);
  }

  /**
   * In the next frame that has no batch yet.
   * @param {Events} batch
   * @param {number} size
   */
  sendBatch(batch, size) {
    if (this.#held && this.#held.turn_id !== batch.turn_id) this.#release();
    if (this.#held) {
      this.#held.first ??= this.#held.seq;
      this.#held.seq = batch.seq;
      for (const event of batch.events) this.#held.events.push(event);
    } else this.#held = batch;
    this.#heldSize += size;
    this.#size += size;
    this.#releaseInTime();
  }

  /** Forget what is held: the whole conversation will take its place. */
  drop() {
    this.#size -= this.#heldSize;
    this.#held = undefined;
    this.#heldSize = 0;
    this.close();
  }

  /** @param {number} count */
  acknowledge(count) {
    for (const { size, isBatch } of this.#underWay.splice(0, count)) {
      this.#size -= size;
      if (isBatch) this.#free = performance.now() + AFTER_FRAME_MS;
    }
    this.#releaseInTime();
  }

  /** Nothing that is held goes any more by itself. */
  close() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #releaseInTime() {
    if (!this.#held) return;
    this.close();
    const wait = this.#free - performance.now();
    if (wait <= 0) this.#release();
    else this.#timer = setTimeout(() => this.#release(), wait);
  }

  #release() {
    this.close();
    const [batch, size] = [this.#held, this.#heldSize];
    if (!batch) return;
    this.#held = undefined;
    this.#heldSize = 0;
    this.#free = performance.now() + LATE_MS;
    this.#post(batch, size);
  }

  /** @param {PanelMessage} message @param {number} size */
  #post(message, size) {
    this.#underWay.push({ size, isBatch: message.type === "Events" });
    try {
      this.#port.postMessage(message);
    } catch {
      this.#onGone();
    }
  }
}

export class Panels {
  /** @type {Map<number, Panel>} */
  #panels = new Map();
  #last = 0;

  /**
   * @param {chrome.runtime.Port} port
   * @returns {number}  The panel's number, from 1.
   */
  add(port) {
    this.#last += 1;
    const number = this.#last;
    this.#panels.set(number, new Panel(port, () => this.remove(number)));
    return number;
  }

  /** @param {number} panel */
  remove(panel) {
    this.#panels.get(panel)?.close();
    this.#panels.delete(panel);
  }

  /** @param {number} panel */
  get(panel) {
    return this.#panels.get(panel);
  }

  /** The numbers of all open panels. */
  get numbers() {
    return [...this.#panels.keys()];
  }

  /**
   * To one panel, or to every open one.
   * @param {PanelMessage} message
   * @param {number} [panel]
   */
  post(message, panel) {
    for (const number of panel ? [panel] : this.numbers) this.#panels.get(number)?.send(message, 0);
  }

  /**
   * Python's news for a panel.
   * @param {string} message  A `PanelMessage` as JSON.
   * @param {number} number
   */
  postNews(message, number) {
    const panel = this.#panels.get(number);
    if (!panel) return;
    /** @type {PanelMessage} */
    const parsed = JSON.parse(message);
    if (parsed.type === "Conversation") panel.behind = false;
    // Only these are made up for by the next whole conversation.
    const isPart = parsed.type === "Events" || parsed.type === "Turn";
    if (isPart && !panel.behind && !panel.hasRoom(message.length)) {
      panel.behind = true;
      panel.drop();
    }
    if (isPart && panel.behind) return;
    if (parsed.type === "Events") panel.sendBatch(parsed, message.length);
    else panel.send(parsed, message.length);
  }

  /**
   * A panel has drawn so many more of its messages.
   * @param {number} number
   * @param {number} count
   * @returns {boolean}  It has drawn everything and misses news: it needs the conversation.
   */
  acknowledge(number, count) {
    const panel = this.#panels.get(number);
    if (!panel) return false;
    panel.acknowledge(count);
    return panel.behind && panel.drained;
  }
}
