/** What the sandbox is given at its start: it can fetch nothing itself. */

const MODULES = {
  gate: "gate.js",
  worker: "worker.js",
  pyodide: "../pyodide/pyodide.mjs",
  runtime: "../pyodide/pyodide.asm.mjs",
};
const ARCHIVES = {
  wasm: "../pyodide/pyodide.asm.wasm",
  stdlib: "../pyodide/python_stdlib.zip",
  packages: "packages.zip",
};

/**
 * @typedef {object} Files
 * @property {Record<string, string>} modules  Sources of JavaScript.
 * @property {Record<string, ArrayBuffer>} archives
 * @property {string} lock  Pyodide's list of packages.
 */

/** @returns {Promise<Files>} */
export async function fetchFiles() {
  const [modules, archives, lock] = await Promise.all([
    fetchAll(MODULES, (response) => response.text()),
    fetchAll(ARCHIVES, (response) => response.arrayBuffer()),
    fetchOne("../pyodide/pyodide-lock.json").then((response) => response.text()),
  ]);
  return { modules, archives, lock };
}

/**
 * @template T
 * @param {Record<string, string>} paths
 * @param {(response: Response) => Promise<T>} read
 * @returns {Promise<Record<string, T>>}
 */
async function fetchAll(paths, read) {
  const entries = Object.entries(paths).map(async ([name, path]) => [name, await read(await fetchOne(path))]);
  return Object.fromEntries(await Promise.all(entries));
}

/** @param {string} path */
async function fetchOne(path) {
  const response = await fetch(new URL(path, import.meta.url));
  if (!response.ok) throw new Error(`the extension's file ${path} is missing`);
  return response;
}
