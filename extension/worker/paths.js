/** Where the parts of the built extension lie that this folder loads by address; see `docs/build-layout.md`. */

/** Pyodide's own files and the packed Python code. */
export const PYODIDE = chrome.runtime.getURL("pyodide/");

/** The settings of the demo provider; there only in the copy that `build.py run` makes. */
export const DEMO = chrome.runtime.getURL("demo.json");
