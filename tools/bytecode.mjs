/**
 * Compiles folders of Python sources with Pyodide's own Python:
 *
 *     node tools/bytecode.mjs FOLDER ARCHIVE [FOLDER ARCHIVE ...]
 *
 * What is compiled and how says `bytecode.py`.
 */

import { readFileSync } from "node:fs";
import path from "node:path";
import { loadPyodide } from "pyodide";

// Sets of constants are stored in the order of their hashes.
const pyodide = await loadPyodide({ env: { HOME: "/home", PYTHONHASHSEED: "0" } });
pyodide.runPython(readFileSync(new URL("bytecode.py", import.meta.url), "utf8"));
const pack = pyodide.globals.get("pack");

const [, , ...paths] = process.argv;
paths.forEach((host, index) => {
  pyodide.FS.mkdirTree(`/host/${index}`);
  const folder = index % 2 ? path.dirname(host) : host;
  pyodide.FS.mount(pyodide.FS.filesystems.NODEFS, { root: path.resolve(folder) }, `/host/${index}`);
});
for (let index = 0; index < paths.length; index += 2) {
  pack(`/host/${index}`, `/host/${index + 1}/${path.basename(paths[index + 1])}`);
}
