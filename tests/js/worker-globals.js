/**
 * The browser as the worker's modules see it, as far as they are tested in Node: storage in memory, a key that is not
 * stored.
 */

import { register } from "node:module";

/** What the modules under test get for `worker/settings/device-key.js`, which needs IndexedDB. */
const DEVICE_KEY = `
  const key = crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
  export const deviceKey = () => key;
`;

register(
  `data:text/javascript,${encodeURIComponent(`
    export function resolve(specifier, context, next) {
      if (!specifier.endsWith("/device-key.js")) return next(specifier, context);
      return { url: ${JSON.stringify(`data:text/javascript,${encodeURIComponent(DEVICE_KEY)}`)}, shortCircuit: true };
    }
  `)}`,
);

/** One area of `chrome.storage`, in memory. Values are copied, as Chrome does. */
class StorageArea {
  /** @type {Record<string, unknown>} */
  data = {};

  /** @param {string | string[]} names */
  async get(names) {
    const known = [names].flat().filter((name) => name in this.data);
    return Object.fromEntries(known.map((name) => [name, structuredClone(this.data[name])]));
  }

  /** @param {Record<string, unknown>} values */
  async set(values) {
    Object.assign(this.data, JSON.parse(JSON.stringify(values)));
  }

  /** @param {string} name */
  async remove(name) {
    delete this.data[name];
  }
}

export const local = new StorageArea();
export const session = new StorageArea();
/**
 * The origins that the user has granted; undefined grants all.
 * @type {{granted: string[] | undefined, touched: number}}
 */
export const browser = { granted: undefined, touched: 0 };

/** Who watches redirects. @type {Set<(details: {url: string, redirectUrl: string, initiator: string}) => void>} */
export const watchers = new Set();
/** The browser sees a redirect of the extension's own. @param {{url: string, redirectUrl: string}} details */
export const redirected = (details) => {
  for (const watch of watchers) watch({ ...details, initiator: location.origin });
};

Object.assign(globalThis, {
  location: { origin: "chrome-extension://test" },
  chrome: {
    webRequest: {
      onBeforeRedirect: {
        addListener: (/** @type {any} */ watch) => watchers.add(watch),
        removeListener: (/** @type {any} */ watch) => watchers.delete(watch),
      },
    },
    runtime: {
      getURL: (/** @type {string} */ path) => `chrome-extension://test/${path}`,
      getPlatformInfo: async () => {
        browser.touched += 1;
      },
    },
    storage: { local, session },
    permissions: {
      contains: async (/** @type {{origins: string[]}} */ { origins }) =>
        browser.granted === undefined || origins.every((origin) => browser.granted?.includes(origin)),
    },
  },
});

/** Everything that is stored anywhere, as text. */
export const storedText = () => JSON.stringify([local.data, session.data]);

/** An empty profile. */
export function forgetAll() {
  local.data = {};
  session.data = {};
}
