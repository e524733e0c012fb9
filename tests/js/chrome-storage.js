/** `chrome.storage` in memory, with its writes counted. */

class StorageArea {
  /** @type {Record<string, unknown>} */
  data = {};
  writes = 0;

  /** @param {string | string[]} names */
  async get(names) {
    const known = [names].flat().filter((name) => name in this.data);
    return Object.fromEntries(known.map((name) => [name, structuredClone(this.data[name])]));
  }

  /** @param {Record<string, unknown>} values */
  async set(values) {
    this.writes += 1;
    Object.assign(this.data, values);
  }
}

export const local = new StorageArea();

Object.assign(globalThis, {
  chrome: { storage: { local, session: new StorageArea() }, runtime: { getURL: (/** @type {string} */ path) => path } },
});
