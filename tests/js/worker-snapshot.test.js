import assert from "node:assert/strict";
import { test } from "node:test";

/** A folder of which nothing can be removed while one of its files is written, as in Chromium. */
class Folder {
  /** @type {Set<string>} */
  names = new Set();
  writing = 0;
  /** What writing does. @type {() => Promise<void>} */
  write = async () => {};

  async getDirectoryHandle() {
    return this;
  }

  async removeEntry() {
    if (this.writing > 0) throw new DOMException("locked", "NoModificationAllowedError");
    this.names.clear();
  }

  /** @param {string} name */
  async getFileHandle(name) {
    this.names.add(name);
    return {
      createWritable: async () => {
        this.writing += 1;
        const close = async () => {
          this.writing -= 1;
        };
        return { write: () => this.write(), close, abort: close };
      },
    };
  }
}

const root = new Folder();
const storage = { getDirectory: async () => root };
Object.defineProperty(globalThis, "navigator", { value: { storage }, configurable: true });
const { forgetSnapshots, writeSnapshot } = await import("../../extension/worker/python/snapshot.js");

test("snapshots are removed also while one is being written", async () => {
  let go = () => {};
  const gate = new Promise((resolve) => {
    go = () => resolve(undefined);
  });
  root.write = async () => void (await gate);
  const written = writeSnapshot("key", new Uint8Array(4096).fill(1));
  while (root.writing === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  const forgotten = forgetSnapshots();
  go();
  await Promise.all([written, forgotten]);
  assert.deepEqual([...root.names], []);
});

test("a failed write leaves nothing, and the next one works", async () => {
  root.write = async () => {
    throw new Error("full");
  };
  await assert.rejects(writeSnapshot("key", new Uint8Array(4096)), /full/);
  assert.deepEqual([...root.names], []);
  root.write = async () => {};
  await writeSnapshot("key", new Uint8Array(4096));
  assert.equal(root.names.size, 1);
});
