/**
 * The languages of code blocks: what a fence says beside them, by which of highlight.js's modules they are coloured,
 * and what a file with such code is called. highlight.js knows its languages by many names; here are only those that it
 * does not know.
 */

import { MODULES } from "../vendor/highlight/languages.js";

/** Names of dialects and relatives, which are coloured by the closest module. */
const RELATIVES = /** @type {Record<string, string>} */ ({
  ...names("bash", "ksh csh tcsh fish shell shellscript command commandline"),
  ...names("shell", "terminal session"),
  ...names("python", "ipython cython pyx pyi mojo sage starlark bazel bzl build gdscript gd"),
  ...names("javascript", "node react es ecmascript appsscript gs"),
  ...names("typescript", "deno"),
  ...names("json", "jsonl ndjson geojson ipynb webmanifest"),
  ...names("yaml", "dockercompose compose kubernetes k8s ansible helm openapi"),
  ...names("xml", "htm vue svelte astro ejs razor cshtml jsp aspx xaml axaml csproj angular vuehtml mathml"),
  ...names("markdown", "mdx rmd qmd"),
  ...names("css", "postcss"),
  ...names("scss", "sass"),
  ...names("sql", "mysql mariadb sqlite tsql plsql mssql oracle bigquery snowflake duckdb"),
  ...names("ini", "hcl terraform tf tfvars opentofu conf config cfg env dotenv editorconfig"),
  ...names("cpp", "cuda cu metal objectivecpp"),
  ...names("x86asm", "asm assembly assembler nasm masm x86"),
  ...names("armasm", "aarch64 arm64"),
  ...names("wasm", "wat wast webassembly"),
  ...names("glsl", "hlsl wgsl shader"),
  ...names("django", "jinja2 nunjucks j2"),
  ...names("handlebars", "mustache liquid"),
  ...names("lisp", "elisp emacslisp commonlisp"),
  ...names("scheme", "racket rkt"),
  ...names("vbnet", "vb.net"),
  ...names("basic", "qbasic vb6"),
  ...names("vim", "vimscript viml"),
  ...names("matlab", "octave"),
  ...names("apache", "htaccess"),
  ...names("nginx", "caddyfile"),
  ...names("makefile", "gnumake just justfile"),
  ...names("cmake", "cmakelists cmakelists.txt"),
  ...names("ruby", "gemfile rakefile podfile fastfile vagrantfile"),
  ...names("groovy", "jenkinsfile"),
  ...names("dockerfile", "containerfile"),
  ...names("haskell", "purescript lhs"),
  ...names("diff", "udiff gitdiff"),
  ...names("julia", "jl"),
});

/** How files end, by the module; short modules are called as their files end. */
const ENDINGS = /** @type {Record<string, string>} */ ({
  ...names("as", "actionscript"),
  ...names("adb", "ada"),
  ...names("asm", "x86asm"),
  ...names("bat", "dos"),
  ...names("clj", "clojure"),
  ...names("coffee", "coffeescript"),
  ...names("conf", "apache"),
  ...names("cr", "crystal"),
  ...names("cs", "csharp"),
  ...names("erl", "erlang"),
  ...names("ex", "elixir"),
  ...names("f90", "fortran"),
  ...names("fs", "fsharp"),
  ...names("hbs", "handlebars"),
  ...names("hs", "haskell"),
  ...names("html", "django"),
  ...names("jl", "julia"),
  ...names("js", "javascript"),
  ...names("kt", "kotlin"),
  ...names("m", "matlab objectivec"),
  ...names("md", "markdown"),
  ...names("pas", "delphi"),
  ...names("pl", "perl"),
  ...names("proto", "protobuf"),
  ...names("ps1", "powershell"),
  ...names("py", "python python-repl"),
  ...names("rb", "ruby"),
  ...names("rs", "rust"),
  ...names("s", "armasm"),
  ...names("scm", "scheme"),
  ...names("sh", "bash shell"),
  ...names("sql", "pgsql"),
  ...names("tex", "latex"),
  ...names("ts", "typescript"),
  ...names("txt", "plaintext"),
  ...names("v", "verilog"),
  ...names("vb", "vbnet"),
  ...names("wat", "wasm"),
  ...names("wl", "mathematica"),
  ...names("graphql", "graphql"),
  ...names("groovy", "groovy"),
});
/** Ways to write a language that say which file it is; they go before their module's ending. */
const OWN_ENDINGS = new Set(
  (
    "c h hpp jsx tsx mjs cjs mts cts jsonc json5 jsonl ndjson ipynb geojson html htm xhtml svg vue svelte astro ejs mdx rmd qmd sass " +
    "hcl tf tfvars env wat wast hlsl wgsl glsl fish zsh ksh pyi pyx el rkt vim toml ini cfg conf properties gradle kts tex bib sty cs " +
    "css php go java lua r dart sql csv tsv txt xsl xslt xsd rss"
  ).split(" "),
);
const ENDING_OF_NAME = /** @type {Record<string, string>} */ ({
  ...names("tf", "terraform opentofu"),
  ...names("el", "elisp emacs-lisp"),
  ...names("rkt", "racket"),
});
/** What is called by one name only. */
const FIXED_NAMES = /** @type {Record<string, string>} */ ({
  ...names("Dockerfile", "dockerfile"),
  ...names("Makefile", "makefile"),
  ...names("CMakeLists.txt", "cmake cmakelists.txt"),
  ...names("nginx.conf", "nginx"),
  ...names("changes.diff", "diff"),
  ...names("Caddyfile", "caddyfile"),
  ...names("Containerfile", "containerfile"),
  ...names("Gemfile", "gemfile"),
  ...names("Jenkinsfile", "jenkinsfile"),
  ...names("justfile", "justfile"),
  ...names("Podfile", "podfile"),
  ...names("Procfile", "procfile"),
  ...names("Rakefile", "rakefile"),
  ...names("Vagrantfile", "vagrantfile"),
});
/** Endings of files that hold no code. */
const OTHER_ENDINGS = new Set("txt csv tsv lock log example sample template dist pem crt patch rst license".split(" "));

const FILE = String.raw`[\w@.~+()[\]-]+(?:[/\\][\w@.~+()[\]-]+)*`;
const ATTRIBUTE = /\b(?:title|file-?name|file|path|name|label|caption)\s*[=:]\s*(?:"([^"]*)"|'([^']*)'|([^\s"',}]+))/i;
const COMMENT = new RegExp(
  String.raw`^\s*(?:#+|//+|--+|;+|%+|'|<!--|/\*+|\(\*|\{-|"""|REM\b|\.\.)?!?\s*(?:(?:file\s?name|file|path)\s*:)?\s*(${FILE})\s*(?:-->|\*/|\*\)|-\}|""")?\s*$`,
  "i",
);
/** Characters that no file's name may hold, and those that are not seen or turn the order of others. */
const FORBIDDEN = /[\p{C}<>:"/\\|?*]/gu;
const LONGEST_NAME = 100;
/** So much of what a fence says about its language is kept. */
const LONGEST_LANGUAGE = 40;

/**
 * @param {string} module
 * @param {string} list
 */
function names(module, list) {
  return Object.fromEntries(list.split(" ").map((name) => [name, module]));
}

/**
 * What a fence says after its backticks, in the forms that models and other programs have: `python`, `Python3`,
 * `js{1,3}`,
 * `{.python #id}`, `{r, echo=FALSE}`, `ts title="a.ts"`, `js:app.js`, `app/main.py`, `12:20:src/a.ts`, `rust,no_run`.
 * @param {string} info
 * @returns {{language: string, file: string}}  As it is written, without what belongs to neither; both may be empty.
 */
export function readInfo(info) {
  const text = info.trim();
  const attribute = ATTRIBUTE.exec(text);
  let file = asFile(attribute?.[1] ?? attribute?.[2] ?? attribute?.[3] ?? "");
  const braced = /^\{\s*([^}]*)\}?\s*(.*)$/s.exec(text);
  // Pandoc's classes and knitr's chunks; MyST has a directive in the braces and the language behind them.
  const words = (braced ? (/^code(?:-block|-cell)?$/.test(braced[1]) ? braced[2] : braced[1]) : text).split(/[\s,;]+/);
  const [first = "", second = ""] = words;
  const bracketed = /\[([^\]]+)\]/.exec(text);
  file ||= asFile(bracketed?.[1] ?? "");
  // Editors quote a piece of a file by its lines.
  const quoted = /^\d+:\d+:(.+)$/.exec(first);
  let language = (quoted?.[1] ?? (braced ? first.replace(/^\./, "") : first))
    .replace(/^(?:language|lang)-(?=.)/i, "")
    .replace(/[{[(].*$/s, "");
  const [before, after] = splitAtColon(language);
  if (after) {
    language = before;
    file ||= asFile(after);
  } else if (isPath(language)) {
    file ||= asFile(language);
    language = languageOfFile(language);
  } else if (!attribute && isPath(second)) {
    file ||= asFile(second);
  }
  if (language.includes("=")) language = "";
  if (!language && file) language = languageOfFile(file);
  return { language: language.slice(0, LONGEST_LANGUAGE), file };
}

/** @param {string} word */
function splitAtColon(word) {
  const at = word.indexOf(":");
  return at > 0 ? [word.slice(0, at), word.slice(at + 1)] : [word, ""];
}

/**
 * Whether a word of a fence is a file and no language: `vb.net` and `c++` are languages.
 * @param {string} word
 */
function isPath(word) {
  return moduleFor(word) === undefined && (word.includes("/") || isFileName(word));
}

/** @param {string} text */
function isFileName(text) {
  const name = text.split(/[/\\]/).at(-1) ?? "";
  const ending = /^.*[\w)\]]\.([A-Za-z]\w{0,9})$/.exec(name)?.[1].toLowerCase();
  if (ending === undefined) return FIXED_NAMES[name.toLowerCase()] === name || /^\.[a-z]{3,}$/.test(name);
  return OTHER_ENDINGS.has(ending) || OWN_ENDINGS.has(ending) || moduleFor(ending) !== undefined;
}

/** @param {string} text */
function asFile(text) {
  return new RegExp(`^${FILE}$`).test(text) && isFileName(text) ? text : "";
}

/** @param {string} file */
function languageOfFile(file) {
  const name = (file.split(/[/\\]/).at(-1) ?? "").toLowerCase();
  if (name === "cmakelists.txt") return "cmake";
  return name.split(".").at(-1) ?? "";
}

/**
 * highlight.js's module for a language, however it is written: in capitals, with a version, with or without hyphens.
 * @param {string} language
 * @returns {string | undefined}  Undefined if there is none.
 */
export function moduleFor(language) {
  const name = language.trim().toLowerCase();
  const joined = name.replace(/[\s_-]/g, "");
  for (const form of [name, joined, name.replace(/[\s_-]?v?\d[\d.]*$/, ""), joined.replace(/\d[\d.]*$/, "")]) {
    const module = known(form);
    if (module) return module;
  }
  // A dialect is called after what it is a dialect of: `bash-session`, `diff-python`, `html+erb`.
  if (/session$/.test(joined)) return "shell";
  const [main, ...rest] = name.split(/[-+]/);
  return rest.length > 0 ? known(main) : undefined;
}

/** @param {string} name */
function known(name) {
  if (Object.hasOwn(RELATIVES, name)) return RELATIVES[name];
  return Object.hasOwn(MODULES, name) ? MODULES[name] : undefined;
}

/**
 * The module that colours this text. What is called a shell's is mostly a script, and sometimes what a terminal showed.
 * @param {string} language
 * @param {string} text
 */
export function moduleForText(language, text) {
  const module = moduleFor(language);
  if (module !== "bash" && module !== "shell") return module;
  return /^ {0,3}[^\s"'$#]*[$%>] /m.test(text) ? "shell" : "bash";
}

/**
 * What a file with this code is called.
 * @param {object} code
 * @param {string} code.language  As its fence says.
 * @param {string} [code.file]  A name that the fence gives.
 * @param {string} [code.before]  The text just above the code, which may be the file's name.
 * @param {string} code.text
 * @returns {string}  A name without folders, fit for any file system.
 */
export function fileNameFor({ language, file = "", before = "", text }) {
  const named =
    file ||
    firstLineName(text) ||
    asFile(
      before
        .trim()
        .replace(/^file(?:\s?name)?:\s*|:$/gi, "")
        .trim(),
    );
  const clean = named.split(/[/\\]/).at(-1)?.replace(FORBIDDEN, "").slice(-LONGEST_NAME);
  return clean && /[\p{L}\p{N}]/u.test(clean) ? clean : plainName(language);
}

/**
 * A comment at the beginning that is nothing but a file's name.
 * @param {string} text
 */
function firstLineName(text) {
  const lines = text.slice(0, 1000).trimStart().split("\n", 2);
  const line = /^#!|^<\?|^<!doctype/i.test(lines[0]) ? (lines[1] ?? "") : lines[0];
  const name = COMMENT.exec(line)?.[1] ?? "";
  // Without a sign of a comment it is code.
  return /^\s*[\w@]/.test(line) && !/^\s*(?:file|path|rem\b)/i.test(line) ? "" : asFile(name);
}

/** @param {string} language */
function plainName(language) {
  const name = language.trim().toLowerCase();
  const module = moduleFor(language) ?? "";
  const fixed = FIXED_NAMES[name] ?? FIXED_NAMES[module];
  if (fixed) return fixed;
  const ending = OWN_ENDINGS.has(name) ? name : (ENDING_OF_NAME[name] ?? ENDINGS[module]);
  return `snippet.${ending ?? (/^[a-z]\w{0,5}$/.test(module) ? module : "txt")}`;
}
