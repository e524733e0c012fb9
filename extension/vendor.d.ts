/** The types of what the build puts beside these modules, by the paths that it has there; see `docs/build-layout.md`. */

// biome-ignore-all lint/suspicious/noExplicitAny: markdown-it's own types have it

declare module "*/vendor/markdown-it.js" {
  import type * as Types from "markdown-it";

  export { default } from "markdown-it";
  export type MarkdownIt = Types.MarkdownIt;
  export type Delimiter = Types.Delimiter;
  export type StateBlock = Types.StateBlock & { env: any };
  export type StateCore = Types.StateCore & { env: any };
  /** Rules keep what they found out about a text in its cache. */
  export type StateInline = Types.StateInline & { env: any; cache: any };
  export type Token = Omit<Types.Token, "meta"> & { meta: any };
}
declare module "*/vendor/markdown-it-cjk-friendly.js" {
  export { default } from "markdown-it-cjk-friendly";
}
declare module "*/vendor/temml.js" {
  export { default } from "temml";
}
declare module "*/vendor/idb.js" {
  export * from "idb";
}
declare module "*/vendor/highlight/core.js" {
  export { default } from "highlight.js/lib/core";
}
declare module "*/vendor/highlight/languages.js" {
  /** highlight.js's module for each name of a language. */
  export const MODULES: Record<string, string>;
  /** The modules that a module needs for what stands inside its language. */
  export const EMBEDDED: Record<string, string[]>;
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

/** Loaded by the sandboxed page that draws diagrams, as a plain script. */
declare const mermaid: {
  initialize(config: import("mermaid").MermaidConfig): void;
  render(id: string, text: string): Promise<{ svg: string }>;
};
