/** The types of what the build puts beside these modules, by the paths that it has there; see `docs/build-layout.md`. */

declare module "*/vendor/marked.js" {
  export * from "marked";
}
declare module "*/vendor/idb.js" {
  export * from "idb";
}
declare module "*/vendor/highlight/core.js" {
  export { default } from "highlight.js/lib/core";
}
declare module "*/pyodide/pyodide.mjs" {
  export * from "pyodide";
}
declare module "*/pyodide/pyodide.asm.mjs" {
  /** Emscripten's factory; `loadPyodide` takes it where `import()` is forbidden. */
  const createPyodideModule: NonNullable<
    NonNullable<Parameters<typeof import("pyodide").loadPyodide>[0]>["createPyodideModule"]
  >;
  export default createPyodideModule;
}

/** Injected into a page together with what uses it. */
declare const Readability: typeof import("@mozilla/readability").Readability;
