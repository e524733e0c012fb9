/**
 * Starts Python: Pyodide, the packed packages, Sidestream itself. A plain start takes a second or more, so the first
 * one in a browser leaves a snapshot of its memory behind, and later ones restore that; `docs/snapshot.md` tells how
 * and why.
 *
 * `import()` is forbidden in a service worker, so Pyodide's modules are imported statically.
 */

import createPyodideModule from "../../pyodide/pyodide.asm.mjs";
import { loadPyodide } from "../../pyodide/pyodide.mjs";
import { logError, logInfo } from "../../shared/log.js";
import { PYODIDE } from "../paths.js";
import { fetchPackages, withLibraries } from "./packages.js";
import { findSnapshot, forgetSnapshots, snapshotKey, writeSnapshot } from "./snapshot.js";

/** @import { Host } from "./host.js" */
/** @import { Packages } from "./packages.js" */

/**
 * A running Python.
 * @typedef {object} Python
 * @property {(message: string) => void} receive  Gives Python one message, as JSON. Throws when the interpreter is
 *   dead.
 * @property {Promise<unknown>} died  Resolves with the reason when the interpreter ends by itself, which it never
 *   should.
 * @property {() => void} release  Lets go of it, so that its memory can be freed.
 */

/** Set to true in `chrome.storage.local` to start plainly each time. */
const DISABLE_SNAPSHOT = "disable_snapshot";

/**
 * Boot and hand over to `sidestream.browser.entry`.
 * @param {Host} host  What Python may call.
 * @returns {Promise<Python>}
 */
export async function boot(host) {
  const clock = stopwatch();
  const [packages, { [DISABLE_SNAPSHOT]: disabled }, lockFileContents] = await Promise.all([
    fetchPackages(PYODIDE),
    chrome.storage.local.get(DISABLE_SNAPSHOT),
    fetch(`${PYODIDE}pyodide-lock.json`).then((response) => response.text()),
  ]);
  const parts = { packages, lockFileContents, clock };
  const key = disabled ? "" : await snapshotKey(packages.id).catch(() => "");
  const restored = key ? await restore(parts, key) : undefined;
  const pyodide = restored ?? (await plainBoot(parts, key));
  const died = new Promise((resolve) => {
    // Pyodide's own hook for an interpreter that cannot go on.
    pyodide._api.on_fatal = resolve;
  });
  const entry = pyodide.pyimport("sidestream.browser.entry");
  // The one Python function that JavaScript keeps.
  const receive = await Promise.race([entry.start(host), died.then((reason) => Promise.reject(reason))]);
  entry.destroy();
  clock.lap("start");
  logInfo(`Python is up: ${clock.report()}`);
  if (restored) putFilesBack(restored, packages);
  return { receive: (message) => receive(message), died, release: () => dispose(receive) };
}

/**
 * @typedef {object} Parts
 * @property {Packages} packages
 * @property {string} lockFileContents
 * @property {Stopwatch} clock
 */

/**
 * Boot from Pyodide's own files, and store a snapshot for the next start.
 * @param {Parts} parts
 * @param {string} key  Of the snapshot; empty for none.
 * @returns {Promise<any>}  Pyodide, with Sidestream imported.
 */
async function plainBoot({ packages, lockFileContents, clock }, key) {
  const files = packages.fetchFiles();
  files.catch(() => {});
  const pyodide = await loadPyodide({
    createPyodideModule: withLibraries(createPyodideModule, packages),
    indexURL: PYODIDE,
    lockFileContents,
    _makeSnapshot: Boolean(key),
  });
  clock.lap("pyodide");
  (await files)(pyodide.FS);
  const entry = pyodide.pyimport("sidestream.browser.entry");
  if (key) entry.import_all();
  entry.destroy();
  clock.lap("imports");
  if (key) keepSnapshot(key, pyodide, clock);
  return pyodide;
}

/**
 * Done before Python gets its first message: no secret and no object of JavaScript's is in its memory yet.
 * @param {string} key
 * @param {any} pyodide
 * @param {Stopwatch} clock
 */
async function keepSnapshot(key, pyodide, clock) {
  try {
    const snapshot = pyodide.makeMemorySnapshot();
    clock.lap("snapshot");
    await writeSnapshot(key, snapshot);
  } catch (error) {
    logError("The snapshot could not be kept:", error);
  }
}

/**
 * Go on from the memory that an earlier boot left behind.
 * @param {Parts} parts
 * @param {string} key
 * @returns {Promise<any>}  Pyodide, or undefined when there is no snapshot, or none that works.
 */
async function restore({ packages, lockFileContents, clock }, key) {
  try {
    const snapshot = await findSnapshot(key);
    if (!snapshot) return undefined;
    clock.lap("found");
    // Filled while the runtime is compiled; nobody looks at it before that is over.
    const memory = new Uint8Array(snapshot.size);
    const read = snapshot.read(memory);
    read.catch(() => {});
    const pyodide = await loadPyodide({
      createPyodideModule: withLibraries(createPyodideModule, packages, { size: snapshot.size, read }),
      indexURL: PYODIDE,
      lockFileContents,
      // An empty file: the snapshot has imported what a chat needs, and `putFilesBack` brings the real one.
      stdLibURL: "data:,",
      _loadSnapshot: memory,
    });
    const entry = pyodide.pyimport("sidestream.browser.entry");
    entry.wake_up();
    entry.destroy();
    clock.lap("restore");
    return pyodide;
  } catch (error) {
    logError("The snapshot could not be restored:", error);
    await forgetSnapshots().catch(() => {});
    clock.lap("failed restore");
    return undefined;
  }
}

/**
 * A snapshot holds no file system, and modules that were not imported yet must be there. Nothing waits for them.
 * @param {any} pyodide
 * @param {Packages} packages
 */
async function putFilesBack(pyodide, { fetchFiles, fetchStdlib }) {
  try {
    const installers = await Promise.all([fetchStdlib(), fetchFiles()]);
    for (const install of installers) install(pyodide.FS);
    const entry = pyodide.pyimport("sidestream.browser.entry");
    entry.see_files();
    entry.destroy();
  } catch (error) {
    logError("Python's files could not be put back:", error);
  }
}

/** @param {any} proxy */
function dispose(proxy) {
  try {
    proxy.destroy();
  } catch {
    // A dead interpreter cannot even let go; the garbage collector takes it whole.
  }
}

/** @typedef {ReturnType<typeof stopwatch>} Stopwatch */

function stopwatch() {
  const begin = performance.now();
  let last = begin;
  /** @type {string[]} */
  const laps = [];
  return {
    /** @param {string} name */
    lap(name) {
      const now = performance.now();
      laps.push(`${name} ${Math.round(now - last)} ms`);
      last = now;
    },
    report: () => `${Math.round(last - begin)} ms (${laps.join(", ")})`,
  };
}
