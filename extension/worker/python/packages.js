/**
 * The packed Python code: one file of bytes, `packages.bin`, and a list of what lies where in it, `packages.json`
 * (see `docs/build-layout.md`). Putting it on Python's file system takes a few milliseconds, where unpacking archives
 * took eighty.
 */

/**
 * @typedef {object} Packages
 * @property {string} id  Changes whenever anything in `pyodide/` does.
 * @property {() => Promise<(fs: any) => void>} fetchFiles  What it resolves with writes all files to Python's file
 *   system.
 * @property {() => Promise<(fs: any) => void>} fetchStdlib  The same for the standard library, which Pyodide brings
 *   along in a plain start.
 * @property {Promise<Library[]>} libraries
 */

/**
 * A native module.
 * @typedef {object} Library
 * @property {string} path  From which Python imports it.
 * @property {WebAssembly.Module} module
 */

/**
 * Fetch the list; the libraries that it names are being compiled when this returns.
 * @param {string} folder  The address of `pyodide/`.
 * @returns {Promise<Packages>}
 */
export async function fetchPackages(folder) {
  const list = await (await fetchFile(`${folder}packages.json`)).json();
  return {
    id: list.id,
    fetchFiles: async () => {
      const bytes = await (await fetchFile(`${folder}packages.bin`)).arrayBuffer();
      return (fs) => install(fs, list.site_packages, list.files, bytes);
    },
    fetchStdlib: async () => {
      const bytes = await (await fetchFile(`${folder}python_stdlib.zip`)).arrayBuffer();
      return (fs) =>
        fs.writeFile(`/lib/python${list.python.replace(".", "")}.zip`, new Uint8Array(bytes), { canOwn: true });
    },
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
 * Emscripten's module, with the native libraries loaded before Python starts. Done at the same point when a snapshot is
 * made and when it is restored, a library gets the same memory and the same places in the function table, which the
 * snapshot refers to.
 * @param {(settings: any) => Promise<any>} createPyodideModule
 * @param {Packages} packages
 * @param {{size: number, read: Promise<void>}} [snapshot]  Its size in bytes, and when it is there. `INITIAL_MEMORY`
 *   has no effect in this build.
 * @returns {(settings: any) => Promise<any>}
 */
export function withLibraries(createPyodideModule, { libraries }, snapshot) {
  return async (settings) => {
    const compiled = await libraries;
    settings.onRuntimeInitialized = () => {
      for (const { path, module } of compiled) {
        const options = { loadAsync: false, nodelete: true, allowUndefined: false };
        settings.newDSO(path, undefined, settings.loadWebAssemblyModule(module, options, path, {}, 0));
      }
    };
    const loaded = await createPyodideModule(settings);
    if (snapshot) {
      loaded.growMemory(snapshot.size);
      await snapshot.read;
    }
    return loaded;
  };
}

/** @param {string} url */
function compile(url) {
  return WebAssembly.compileStreaming(fetchFile(url));
}

/** @param {string} url */
async function fetchFile(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`the extension's file ${url.slice(url.lastIndexOf("/") + 1)} is missing`);
  return response;
}
