/**
 * The demo provider: lets a newcomer chat at once, without a key and without a network.
 *
 *     node e2e/demo/server.mjs [--port 0]
 *
 * Speaks the Responses API and Chat Completions on 127.0.0.1 (aimock), from the texts in `answers/`. Prints one JSON
 * line, `{"base_url": "http://127.0.0.1:PORT/v1"}`, as soon as it listens. Ends on SIGTERM, on SIGINT, and when its
 * standard input is closed, so that it never outlives the command that started it.
 */

import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { LLMock } from "@copilotkit/aimock";

const MODEL = "demo";

/** @typedef {import("@copilotkit/aimock").ChatCompletionRequest} Request */
/**
 * @typedef {{content?: string, reasoning?: string, webSearches?: string[], toolCalls?: {name: string, arguments:
 *   string}[]}} Answer
 */

/**
 * The first pattern that fits the user's own words wins.
 * @type {{pattern?: RegExp, make: (request: Request) => Answer}[]}
 */
const ANSWERS = [
  {
    pattern: /^\W*(hi|hello|hey|hallo|good (morning|evening|day)|help|what (is|are) (this|you))\b/i,
    make: () => ({ content: read("greeting") }),
  },
  { pattern: /\b(chart|figure|plot|draw)\b/i, make: chart },
  { pattern: /\b(tour|markdown|code|table|lists?)\b/i, make: () => ({ content: read("tour") }) },
  {
    pattern: /\b(think|reason(ing)?|puzzle)\b/i,
    make: () => ({ content: read("think"), reasoning: read("think.reasoning") }),
  },
  { pattern: /\b(story|long)\b/i, make: () => ({ content: read("story") }) },
  {
    pattern: /\bsearch\b/i,
    make: () => ({ content: read("search"), webSearches: ["how long is a day in June"] }),
  },
  { pattern: /\b(image|picture|photo|screenshot)\b/i, make: () => ({ content: read("image") }) },
  { pattern: /\b(page|attach)\b/i, make: () => ({ content: read("page") }) },
  { make: (request) => ({ content: fill("fallback", { quote: quote(ownWords(request)) }) }) },
];

/** What was read of a page, as `session/untrusted.py` marks it; the user's own words come after it. */
const MARKED = /<untrusted source="[^"]*" id="(\w+)">\n([\s\S]*?)\n<\/untrusted id="\1">\s*/g;
/** So much of a page is repeated. */
const BEGINNING = 240;

/**
 * About 130 characters a second: fast enough to be pleasant, slow enough to watch, and to try Stop.
 * `chunkSize` is in UTF-16 units: it would cut a pair of surrogates in two, so the texts hold none (see `quote`).
 */
const PACE = { chunkSize: 4, streamingProfile: { ttft: 250, tps: 33, jitter: 0.5 } };

/** @param {string} name @param {Record<string, string>} texts */
const fill = (name, texts) =>
  // A replacement function: "$&" in a message must not be read as a pattern.
  read(name).replace(/\{\{(\w+)\}\}/g, (_, key) => texts[key]);

/** @param {string} name */
const read = (name) => readFileSync(new URL(`answers/${name}.md`, import.meta.url), "utf8").trim();

/** @param {string} text */
const quote = (text) =>
  text
    .replace(/[\u{10000}-\u{10ffff}]/gu, "\u25a1")
    .slice(0, 500)
    .split("\n")
    .map((line) => `> ${line}`)
    .join("\n");

/** About four characters make a token in English. @param {string} text */
const countTokens = (text) => Math.ceil(text.length / 4);

/** @param {Request["messages"][number]} [message] */
function textOf(message) {
  const content = message?.content ?? "";
  if (typeof content === "string") return content;
  return content.map((part) => part.text ?? "").join("");
}

/** @param {Request} request */
const lastUserText = (request) => textOf(request.messages.findLast((message) => message.role === "user"));

/** @param {Request} request */
const ownWords = (request) => lastUserText(request).replace(MARKED, "").trim();

/**
 * About what is attached to the message. Empty: nothing is.
 * @param {Request} request
 * @returns {Answer | undefined}
 */
function aboutPages(request) {
  const pages = [...lastUserText(request).matchAll(MARKED)].map(([, , text]) => {
    const [about, ...rest] = text.split("\n\n");
    const words = rest.join("\n\n").split(/\s+/).filter(Boolean);
    const all = words.join(" ");
    const beginning = all.length > BEGINNING ? `${all.slice(0, BEGINNING)} …` : all;
    // What a page says is no Markdown of this answer.
    return quote(`${about}\n\n${beginning} (${words.length} words)`.replace(/[\\`*<[]/g, "\\$&"));
  });
  if (pages.length === 0) return undefined;
  const asked = ownWords(request);
  return { content: fill("attached", { pages: pages.join("\n\n"), asked: asked ? quote(asked) : "> (nothing)" }) };
}

/**
 * Python that draws, where the conversation may use it.
 * @param {Request} request
 * @returns {Answer}
 */
function chart(request) {
  const last = request.messages.at(-1);
  if (last?.role === "tool") {
    const isRefused = /not allow/i.test(textOf(last));
    return { content: read(isRefused ? "chart.refused" : "chart.drawn") };
  }
  if (!request.tools?.some((tool) => tool.function.name === "python")) return { content: read("chart.how") };
  const code = readFileSync(new URL("answers/chart.code.txt", import.meta.url), "utf8");
  return { toolCalls: [{ name: "python", arguments: JSON.stringify({ code }) }] };
}

/** @param {Request} request */
function answer(request) {
  const words = ownWords(request);
  const { make } = /** @type {typeof ANSWERS[number]} */ (
    ANSWERS.find(({ pattern }) => !pattern || pattern.test(words))
  );
  const given = aboutPages(request) ?? make(request);
  const input = countTokens(JSON.stringify(request.messages));
  const output = countTokens(JSON.stringify(given));
  // Both wire APIs take their own names from here.
  const usage = {
    input_tokens: input,
    output_tokens: output,
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: input + output,
  };
  return /** @type {import("@copilotkit/aimock").FixtureResponse} */ ({ ...given, usage });
}

const { values } = parseArgs({ options: { port: { type: "string", default: "0" } } });
const port = Number(values.port);
if (!Number.isInteger(port) || port < 0 || port > 65535) {
  console.error(`--port must be a number from 0 to 65535, not ${JSON.stringify(values.port)}`);
  process.exit(2);
}

const mock = new LLMock({ host: "127.0.0.1", port, journalMaxEntries: 20 });
// `/models` lists the models that fixtures name; the second fixture answers for any other model.
mock.on({ endpoint: "chat", model: MODEL }, answer, PACE);
mock.on({ endpoint: "chat" }, answer, PACE);

try {
  await mock.start();
} catch (error) {
  console.error(`The demo provider cannot listen on port ${port}: ${/** @type {Error} */ (error).message}`);
  process.exit(1);
}
console.log(JSON.stringify({ base_url: `${mock.url}/v1` }));

const end = () => process.exit(0);
process.on("SIGTERM", end);
process.on("SIGINT", end);
process.stdin.on("end", end).on("error", end).resume();
