/** The types of what the build puts beside these modules, by the paths that it has there; see `docs/build-layout.md`. */

declare module "*/vendor/marked.js" {
  export * from "marked";
}
declare module "*/vendor/idb.js" {
  export * from "idb";
}
declare module "*/vendor/lit-html/lit-html.js" {
  export * from "lit-html";
}
declare module "*/vendor/lit-html/directives/class-map.js" {
  export * from "lit-html/directives/class-map.js";
}
declare module "*/vendor/lit-html/directives/repeat.js" {
  export * from "lit-html/directives/repeat.js";
}
declare module "*/vendor/lit-html/directives/live.js" {
  export * from "lit-html/directives/live.js";
}
declare module "*/vendor/highlight/core.js" {
  export { default } from "highlight.js/lib/core";
}
declare module "*/pyodide/pyodide.mjs" {
  export * from "pyodide";
}
declare module "*/pyodide/pyodide.asm.mjs" {
  /** Emscripten's factory; `loadPyodide` takes it where `import()` is forbidden. */
  const createPyodideModule: NonNullable<Parameters<typeof import("pyodide").loadPyodide>[0]>["createPyodideModule"];
  export default createPyodideModule;
}
