/**
 * The packed Python code: one file of bytes, `packages.bin`, and a list of what lies where in it, `packages.json`
 * (see `docs/build-layout.md`). Putting it on Python's file system takes a few milliseconds, where unpacking archives took eighty.
 */

/**
 * @typedef {object} Packages
 * @property {string} id  Changes whenever anything in `pyodide/` does.
 * @property {Promise<(fs: any) => void>} installer  Writes all files to Python's file system.
 * @property {Promise<Library[]>} libraries
 */

/**
 * A native module.
 * @typedef {object} Library
 * @property {string} path  From which Python imports it.
 * @property {WebAssembly.Module} module
 */

/**
 * Fetch the list; what it names is under way when this returns.
 * @param {string} folder  The address of `pyodide/`.
 * @returns {Promise<Packages>}
 */
export async function fetchPackages(folder) {
  const list = await (await fetchFile(`${folder}packages.json`)).json();
  const bytes = fetchFile(`${folder}packages.bin`).then((response) => response.arrayBuffer());
  return {
    id: list.id,
    installer: bytes.then((all) => (fs) => install(fs, list.site_packages, list.files, all)),
    libraries: Promise.all(
      list.libraries.map(async (/** @type {{file: string, path: string}} */ { file, path }) => ({
        path: `${list.site_packages}/${path}`,
        module: await compile(folder + file),
      })),
    ),
  };
}

/**
 * @param {any} fs
 * @param {string} root
 * @param {[path: string, size: number][]} files
 * @param {ArrayBuffer} bytes
 */
function install(fs, root, files, bytes) {
  let offset = 0;
  let folder = "";
  for (const [path, size] of files) {
    const parent = `${root}/${path.slice(0, path.lastIndexOf("/") + 1)}`;
    if (parent !== folder) fs.mkdirTree(parent);
    folder = parent;
    fs.writeFile(`${root}/${path}`, new Uint8Array(bytes, offset, size), { canOwn: true });
    offset += size;
  }
}

/**
 * Emscripten's module, with the native libraries loaded before Python starts. Done at the same point when a snapshot is made and when it
 * is restored, a library gets the same memory and the same places in the function table, which the snapshot refers to.
 * @param {(settings: any) => Promise<any>} createPyodideModule
 * @param {Packages} packages
 * @param {number} [heapBytes]  What the memory has to hold; `INITIAL_MEMORY` has no effect in this build.
 * @returns {(settings: any) => Promise<any>}
 */
export function withLibraries(createPyodideModule, { libraries }, heapBytes) {
  return async (settings) => {
    const compiled = await libraries;
    settings.onRuntimeInitialized = () => {
      for (const { path, module } of compiled) {
        const options = { loadAsync: false, nodelete: true, allowUndefined: false };
        settings.newDSO(path, undefined, settings.loadWebAssemblyModule(module, options, path, {}, 0));
      }
    };
    const loaded = await createPyodideModule(settings);
    if (heapBytes) loaded.growMemory(heapBytes);
    return loaded;
  };
}

/** @param {string} url */
async function compile(url) {
  const { body } = await fetchFile(url);
  // An extension's files of this ending come without the type that streaming compilation insists on.
  return WebAssembly.compileStreaming(new Response(body, { headers: { "Content-Type": "application/wasm" } }));
}

/** @param {string} url */
async function fetchFile(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`the extension's file ${url.slice(url.lastIndexOf("/") + 1)} is missing`);
  return response;
}
