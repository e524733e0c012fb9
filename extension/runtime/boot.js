/**
 * Starts Python: Pyodide, the packed wheels, Sidestream itself.
 *
 * `import()` is forbidden in a service worker, so Pyodide's modules are imported statically. A faster way to the same result
 * (restoring a memory snapshot) would be a second function beside {@link plainBoot}, tried first by {@link boot}.
 */

import createPyodideModule from "../pyodide/pyodide.asm.mjs";
import { loadPyodide } from "../pyodide/pyodide.mjs";
import { logInfo } from "./log.js";
import { PYODIDE } from "./paths.js";

/** @import { Host } from "./host.js" */

/**
 * A running Python.
 * @typedef {object} Python
 * @property {(message: string) => void} receive  Gives Python one message, as JSON. Throws when the interpreter is dead.
 * @property {Promise<unknown>} died  Resolves with the reason when the interpreter ends by itself, which it never should.
 * @property {() => void} release  Lets go of it, so that its memory can be freed.
 */

/**
 * Boot and hand over to `sidestream.browser.entry`.
 * @param {Host} host  What Python may call.
 * @returns {Promise<Python>}
 */
export async function boot(host) {
  const clock = stopwatch();
  const pyodide = await plainBoot(clock);
  const died = new Promise((resolve) => {
    // Pyodide's own hook for an interpreter that cannot go on.
    pyodide._api.on_fatal = resolve;
  });
  const entry = pyodide.pyimport("sidestream.browser.entry");
  clock.lap("imports");
  // The one Python function that JavaScript keeps.
  const receive = await Promise.race([entry.start(host), died.then((reason) => Promise.reject(reason))]);
  entry.destroy();
  clock.lap("start");
  logInfo(`Python is up: ${clock.report()}`);
  return { receive: (message) => receive(message), died, release: () => dispose(receive) };
}

/**
 * Boot from Pyodide's own files.
 * @param {Stopwatch} clock
 * @returns {Promise<any>}  Pyodide, with everything unpacked and nothing imported.
 */
async function plainBoot(clock) {
  const [pyodide, { sitePackages, archives }] = await Promise.all([
    loadPyodide({ createPyodideModule, indexURL: PYODIDE }).then((loaded) => {
      clock.lap("pyodide");
      return loaded;
    }),
    fetchArchives(),
  ]);
  for (const { bytes, format } of archives) pyodide.unpackArchive(bytes, format, { extractDir: sitePackages });
  clock.lap("packages");
  return pyodide;
}

async function fetchArchives() {
  const list = await (await fetchFile("packages.json")).json();
  const archives = await Promise.all(
    list.archives.map(async (/** @type {{file: string, format: string}} */ { file, format }) => ({
      bytes: await (await fetchFile(file)).arrayBuffer(),
      format,
    })),
  );
  return { sitePackages: list.site_packages, archives };
}

/** @param {string} file */
async function fetchFile(file) {
  const response = await fetch(PYODIDE + file);
  if (!response.ok) throw new Error(`the extension's file ${file} is missing`);
  return response;
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
