/**
 * The open side panels. There may be several.
 *
 * A panel draws once per frame and then acknowledges what it has drawn. It is sent at most one batch of events per
 * frame: while a batch is under way, later events are collected and sent as one. If the panel is idle, a batch is sent
 * at once. A late frame delays the drawing, but not the sending, since that would make the next frame late as well.
 *
 * A panel that does not keep up, because it is hidden or busy, may have at most {@link LIMIT} characters under way.
 * Beyond that it is sent no more updates. When it has drawn everything that was sent, it gets the whole conversation
 * instead of what it missed. So what waits for a panel is bounded, whatever the panel does.
 */

/** @import { PanelMessage } from "../shared/protocol.js" */
/** @typedef {Extract<PanelMessage, {type: "Events"}>} Events */

/** Characters of updates that may be under way to a panel. */
export const LIMIT = 1 << 20;

/**
 * The earliest time after a frame at which the next batch is sent. It is late enough for the batch to hold most events
 * of that frame, and early enough for the next frame to draw it.
 */
export const AFTER_FRAME_MS = 10;
/**
 * The time after which the next batch is sent even if the last one was not drawn. It is longer than a frame and its
 * acknowledgement take.
 */
export const LATE_MS = 20;

class Panel {
  /**
   * The id of the conversation that the panel shows; undefined before it has joined.
   * @type {Promise<string> | undefined}
   */
  shown;
  /** The window that the panel is in. @type {number | undefined} */
  window;
  /** Whether the panel has missed updates. */
  behind = false;
  /**
   * Messages that the panel has not acknowledged, oldest first, with the size of their updates in characters.
   * @type {{size: number, isBatch: boolean}[]}
   */
  #underWay = [];
  /** Characters of updates that are under way or held. */
  #size = 0;
  /** Batches that wait to be sent, merged into one. @type {Events | undefined} */
  #held;
  #heldSize = 0;
  /** When the next batch may be sent. */
  #free = Number.NEGATIVE_INFINITY;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  #port;
  #onGone;

  /**
   * @param {chrome.runtime.Port} port
   * @param {() => void} onGone  Called when the page is gone, but its port is not closed yet.
   */
  constructor(port, onGone) {
    this.#port = port;
    this.#onGone = onGone;
  }

  /**
   * Whether a message may be sent. One that is larger than the limit is sent only if nothing else is under way.
   * @param {number} size
   */
  hasRoom(size) {
    return this.#size === 0 || this.#size + size <= LIMIT;
  }

  get drained() {
    return this.#underWay.length === 0;
  }

  /**
   * Sends a message, after what is held.
   * @param {PanelMessage} message
   * @param {number} size
   */
  send(message, size) {
    this.#release();
    this.#size += size;
    this.#post(message, size);
  }

  /**
   * Sends a batch in time for the next frame that has none yet.
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

  /** Drops what is held, since the whole conversation will replace it. */
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

  /** Stops the timer that sends what is held. */
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
   * Sends a message to one panel, or to every open one.
   * @param {PanelMessage} message
   * @param {number} [panel]
   */
  post(message, panel) {
    for (const number of panel ? [panel] : this.numbers) this.#panels.get(number)?.send(message, 0);
  }

  /**
   * Sends a panel an update from Python.
   * @param {string} message  A `PanelMessage` as JSON.
   * @param {number} number
   */
  postUpdate(message, number) {
    const panel = this.#panels.get(number);
    if (!panel) return;
    /** @type {PanelMessage} */
    const parsed = JSON.parse(message);
    if (parsed.type === "Conversation") panel.behind = false;
    // Only these may be missed: the next whole conversation contains them.
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
   * Notes how many more of its messages a panel has drawn.
   * @param {number} number
   * @param {number} count
   * @returns {boolean}  Whether it has drawn everything and missed updates, so that it needs the conversation.
   */
  acknowledge(number, count) {
    const panel = this.#panels.get(number);
    if (!panel) return false;
    panel.acknowledge(count);
    return panel.behind && panel.drained;
  }
}
