/** Boots Pyodide as the extension does, and runs pytest in it. */

import createPyodideModule from "./pyodide/pyodide.asm.mjs";
import { loadPyodide } from "./pyodide/pyodide.mjs";
import { fetchPackages, withLibraries } from "./worker/python/packages.js";

const PROJECT = "/home/project";
const TEST_PACKAGES = "/home/test-packages";

/** @param {string} line */
const say = (line) => postMessage({ line });

/** @param {string} name */
const get = async (name) => (await fetch(name)).arrayBuffer();

globalThis.onmessage = async ({ data: { args } }) => {
  try {
    postMessage({ exitCode: await test(args) });
  } catch (error) {
    say(String(error));
    postMessage({ exitCode: 3 });
  }
};

/**
 * @param {string[]} args  For pytest.
 * @returns {Promise<number>}
 */
async function test(args) {
  const begin = performance.now();
  const packages = await fetchPackages("./pyodide/");
  const pyodide = await loadPyodide({
    createPyodideModule: withLibraries(createPyodideModule, packages),
    indexURL: "./pyodide/",
    stdout: say,
    stderr: say,
  });
  // Sidestream is among them, but the sources come first on the path.
  (await packages.fetchFiles())(pyodide.FS);
  pyodide.unpackArchive(await get("test-packages.zip"), "zip", { extractDir: TEST_PACKAGES });
  pyodide.unpackArchive(await get("project.zip"), "zip", { extractDir: PROJECT });
  say(`Pyodide ${pyodide.version} is up after ${Math.round(performance.now() - begin)} ms`);
  pyodide.globals.set("arguments", pyodide.toPy(args));
  return pyodide.runPython(`
    import os, sys
    os.chdir("${PROJECT}")
    sys.path.append("${TEST_PACKAGES}")
    sys.dont_write_bytecode = True
    import pytest
    int(pytest.main(["-p", "no:cacheprovider", "--capture=sys", "--color=no", *arguments]))
  `);
}
