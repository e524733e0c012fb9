import assert from "node:assert/strict";
import { test } from "node:test";
import { Outbox } from "../../extension/sidepanel/worker-link/outbox.js";

/** Keeps what a browser's `localStorage` does, as far as an outbox needs it. */
class FakeStorage {
  /** @param {string} key @param {string} value */
  setItem(key, value) {
    if (value.length > 1000) throw new DOMException("", "QuotaExceededError");
    Object.assign(this, { [key]: value });
  }
  /** @param {string} key */
  getItem(key) {
    return /** @type {any} */ (this)[key] ?? null;
  }
  /** @param {string} key */
  removeItem(key) {
    delete (/** @type {any} */ (this)[key]);
  }
}

const storage = () => /** @type {Storage} */ (/** @type {unknown} */ (new FakeStorage()));

/** @param {string} id @param {number} at */
const message = (id, at) => ({ id, text: `Text of ${id}`, conversation: "c", at });

test("the next panel finds what the last one could not hand over, oldest first", () => {
  const shared = storage();
  const closed = new Outbox(shared);
  closed.keep(message("b", 2));
  closed.keep(message("a", 1));
  shared.setItem("something else", "{");
  assert.deepEqual(new Outbox(shared).takeOver(), [message("a", 1), message("b", 2)]);
});

test("what the worker has is forgotten", () => {
  const shared = storage();
  const outbox = new Outbox(shared);
  outbox.keep(message("a", 1));
  outbox.keep(message("b", 2));
  outbox.settle(["b"]);
  assert.deepEqual(new Outbox(shared).takeOver(), [message("b", 2)]);
  outbox.settle([]);
  assert.deepEqual(new Outbox(shared).takeOver(), []);
});

test("messages that are taken over are handled like one's own", () => {
  const shared = storage();
  new Outbox(shared).keep(message("a", 1));
  const next = new Outbox(shared);
  next.takeOver();
  next.settle([]);
  assert.deepEqual(new Outbox(shared).takeOver(), []);
});

test("another panel's messages are left alone", () => {
  const shared = storage();
  new Outbox(shared).keep(message("a", 1));
  new Outbox(shared).settle([]);
  assert.deepEqual(new Outbox(shared).takeOver(), [message("a", 1)]);
});

test("a message for which there is no room is not kept", () => {
  const shared = storage();
  const outbox = new Outbox(shared);
  outbox.keep({ ...message("a", 1), text: "x".repeat(2000) });
  outbox.settle([]);
  assert.deepEqual(outbox.takeOver(), []);
});
