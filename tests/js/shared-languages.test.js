import assert from "node:assert/strict";
import { test } from "node:test";
import "./panel-dom.js";

const { fileNameFor, moduleFor, moduleForText, readInfo } = await import("../../extension/shared/languages.js");

const INFOS = /** @type {[string, string, string][]} */ ([
  ["", "", ""],
  ["python", "python", ""],
  ["Python3", "Python3", ""],
  ["C++", "C++", ""],
  ["c#", "c#", ""],
  ["F#", "F#", ""],
  ["vb.net", "vb.net", ""],
  ["shell-session", "shell-session", ""],
  ["{.python}", "python", ""],
  ["{.python #listing .numberLines startFrom=10}", "python", ""],
  ["{python}", "python", ""],
  ["{r, echo=FALSE}", "r", ""],
  ["{code-block} python", "python", ""],
  ['python title="x"', "python", ""],
  ['python title="src/x.py"', "python", "src/x.py"],
  ["python title='x.py' linenums=1", "python", "x.py"],
  ["ts filename=app/page.tsx {3-5}", "ts", "app/page.tsx"],
  ["js{1,3}", "js", ""],
  ["js {1,3-5}", "js", ""],
  ["js showLineNumbers", "js", ""],
  ["js:app.js", "js", "app.js"],
  ["ts:line-numbers {1}", "ts", ""],
  ["js{}[nuxt.config.js]", "js", "nuxt.config.js"],
  ["js {}[nuxt.config.js]", "js", "nuxt.config.js"],
  ["python app.py", "python", "app.py"],
  ["app/main.py", "py", "app/main.py"],
  ["12:20:src/a.ts", "ts", "src/a.ts"],
  ["rust,no_run", "rust", ""],
  ["language-go", "go", ""],
  ["Dockerfile", "Dockerfile", ""],
  ["title=main.rs", "rs", "main.rs"],
  ["mermaid", "mermaid", ""],
  ["x".repeat(500), "x".repeat(40), ""],
]);

test("what a fence says is read in every form", () => {
  for (const [info, language, file] of INFOS) assert.deepEqual(readInfo(info), { language, file }, info);
});

test("a file's name in a fence: nuxt/content#630", () => {
  assert.deepEqual(readInfo("js [nuxt.config.js]"), { language: "js", file: "nuxt.config.js" });
});

test("a fence that is a path: emberjs/guides#30", () => {
  assert.deepEqual(readInfo("app/templates/foo.hbs"), { language: "hbs", file: "app/templates/foo.hbs" });
  assert.equal(moduleFor("hbs"), "handlebars");
});

test("names as in pbek/QOwnNotes#3711: aliases, attributes, capitals", () => {
  for (const name of "jsx tsx jsonc hpp cs python3 zsh sv svg makefile".split(" ")) assert.ok(moduleFor(name), name);
  assert.equal(readInfo("JavaScript title=app.js").language, "JavaScript");
  assert.equal(moduleFor("JavaScript"), "javascript");
  assert.equal(readInfo("{.python #example}").language, "python");
});

const LANGUAGES = {
  php: "php PHP php8",
  ruby: "ruby rb",
  kotlin: "kotlin kt kts",
  swift: "swift",
  powershell: "powershell ps1 pwsh PowerShell",
  ini: "toml ini TOML hcl terraform .env dotenv",
  dockerfile: "dockerfile Dockerfile docker",
  diff: "diff patch",
  lua: "lua lua5.4",
  r: "r R",
  scala: "scala",
  dart: "dart",
  perl: "perl pl perl5",
  haskell: "haskell hs",
  elixir: "elixir ex",
  graphql: "graphql gql",
  makefile: "makefile make mk Makefile",
  nginx: "nginx nginxconf",
  protobuf: "protobuf proto proto3",
  scss: "scss sass",
  less: "less",
  xml: "vue svelte html HTML5 xml svg",
  latex: "latex tex LaTeX",
  julia: "julia jl",
  clojure: "clojure clj",
  objectivec: "objectivec objective-c Objective-C objc",
  x86asm: "asm assembly Assembly nasm",
  wasm: "wasm wat WebAssembly",
  cmake: "cmake CMake",
  python: "Python3 python3.12 py",
  cpp: "C++ c++17 cpp cuda",
  csharp: "C# cs csharp",
  fsharp: "F#",
  bash: "bash sh zsh shell fish",
  shell: "shell-session bash-session console",
  sql: "sql SQL mysql SQLite T-SQL",
  json: "json jsonl",
  vbnet: "vb.net",
  lisp: "emacs-lisp elisp",
};

test("every language goes by the names that models write", () => {
  for (const [module, names] of Object.entries(LANGUAGES)) {
    for (const name of names.split(" ")) {
      if (name.startsWith(".")) continue;
      assert.equal(moduleFor(name), module, name);
    }
  }
});

test("an unknown language has no module, whatever it is called", () => {
  for (const name of ["", "klingon", "pseudocode", "constructor", "toString", "constructor-x", "mermaid", "3"]) {
    assert.equal(moduleFor(name), undefined, name);
  }
});

test("a shell's text is a session where it has prompts", () => {
  assert.equal(moduleForText("console", "$ ls\nfile"), "shell");
  assert.equal(moduleForText("shell", "user@host:~$ ls -la"), "shell");
  assert.equal(moduleForText("shell", "# a comment\nexport A=1\necho $A > file"), "bash");
  assert.equal(moduleForText("bash", 'for f in *; do echo "$f"; done'), "bash");
});

const FILES = /** @type {[{language: string, text?: string, file?: string, before?: string}, string][]} */ ([
  [{ language: "python" }, "snippet.py"],
  [{ language: "Python3" }, "snippet.py"],
  [{ language: "c++" }, "snippet.cpp"],
  [{ language: "tsx" }, "snippet.tsx"],
  [{ language: "html" }, "snippet.html"],
  [{ language: "toml" }, "snippet.toml"],
  [{ language: "terraform" }, "snippet.tf"],
  [{ language: "dockerfile" }, "Dockerfile"],
  [{ language: "docker" }, "Dockerfile"],
  [{ language: "make" }, "Makefile"],
  [{ language: "klingon" }, "snippet.txt"],
  [{ language: "../../etc" }, "snippet.txt"],
  [{ language: "" }, "snippet.txt"],
  [{ language: "python", text: "# app.py\nprint(1)" }, "app.py"],
  [{ language: "ts", text: "// src/x.ts\nlet a" }, "x.ts"],
  [{ language: "html", text: "<!-- index.html -->\n<p>" }, "index.html"],
  [{ language: "css", text: "/* style.css */\n" }, "style.css"],
  [{ language: "sql", text: "-- schema.sql\n" }, "schema.sql"],
  [{ language: "bash", text: "#!/bin/sh\n# run.sh\nls" }, "run.sh"],
  [{ language: "js", text: "// filename: server.mjs\n" }, "server.mjs"],
  [{ language: "python", text: "# version 1.2\n" }, "snippet.py"],
  [{ language: "python", text: "# uses numpy\n" }, "snippet.py"],
  [{ language: "python", text: "os.py\n" }, "snippet.py"],
  [{ language: "ts", file: "src/app/[id]/page.tsx" }, "page.tsx"],
  [{ language: "yaml", before: "docker-compose.yml:" }, "docker-compose.yml"],
  [{ language: "yaml", before: "Here is the code:" }, "snippet.yaml"],
  [{ language: "js", file: "..\\..\\con\u202egpj.js" }, "congpj.js"],
]);

test("a file is called as the answer calls it, else by its language", () => {
  for (const [code, name] of FILES) assert.equal(fileNameFor({ text: "", ...code }), name, JSON.stringify(code));
});
