/**
 * The demo provider: lets a newcomer chat at once, without a key and without a network.
 *
 *     node e2e/demo/server.mjs [--port 0]
 *
 * Speaks the Responses API and Chat Completions on 127.0.0.1 (aimock), from the texts in `answers/`. Prints one JSON
 * line, `{"base_url": "http://127.0.0.1:PORT/v1"}`, as soon as it listens. Ends on SIGTERM, on SIGINT, and when its standard
 * input is closed, so that it never outlives the command that started it.
 */

import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { LLMock } from "@copilotkit/aimock";

const MODEL = "demo";

/** @type {{pattern?: RegExp, name: string}[]} The first pattern that fits the last message wins. */
const ANSWERS = [
  { pattern: /^\W*(hi|hello|hey|hallo|good (morning|evening|day)|help|what (is|are) (this|you))\b/i, name: "greeting" },
  { pattern: /\b(tour|markdown|code|table|lists?)\b/i, name: "tour" },
  { pattern: /\b(think|reason(ing)?|puzzle)\b/i, name: "think" },
  { pattern: /\b(story|long)\b/i, name: "story" },
  { name: "fallback" },
];

/**
 * About 130 characters a second: fast enough to be pleasant, slow enough to watch, and to try Stop.
 * `chunkSize` is in UTF-16 units: it would cut a pair of surrogates in two, so the texts hold none (see `quote`).
 */
const PACE = { chunkSize: 4, streamingProfile: { ttft: 250, tps: 33, jitter: 0.5 } };

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

/** @param {import("@copilotkit/aimock").ChatCompletionRequest} request */
function lastUserText(request) {
  const content = request.messages.findLast((message) => message.role === "user")?.content ?? "";
  if (typeof content === "string") return content;
  return content.map((part) => part.text ?? "").join("");
}

/** @param {string} name */
function answer(name) {
  const template = read(name);
  const reasoning = name === "think" ? read("think.reasoning") : undefined;
  return (/** @type {import("@copilotkit/aimock").ChatCompletionRequest} */ request) => {
    // A replacement function: "$&" in a message must not be read as a pattern.
    const content = template.replace("{{quote}}", () => quote(lastUserText(request)));
    const input = countTokens(JSON.stringify(request.messages));
    const output = countTokens(content + (reasoning ?? ""));
    // Both wire APIs take their own names from here.
    const usage = {
      input_tokens: input,
      output_tokens: output,
      prompt_tokens: input,
      completion_tokens: output,
      total_tokens: input + output,
    };
    return { content, reasoning, usage };
  };
}

const { values } = parseArgs({ options: { port: { type: "string", default: "0" } } });
const port = Number(values.port);
if (!Number.isInteger(port) || port < 0 || port > 65535) {
  console.error(`--port must be a number from 0 to 65535, not ${JSON.stringify(values.port)}`);
  process.exit(2);
}

const mock = new LLMock({ host: "127.0.0.1", port, journalMaxEntries: 20 });
for (const { pattern, name } of ANSWERS) {
  // `/models` lists the models that fixtures name; the second fixture answers for any other model.
  mock.on({ endpoint: "chat", userMessage: pattern, model: MODEL }, answer(name), PACE);
  mock.on({ endpoint: "chat", userMessage: pattern }, answer(name), PACE);
}

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
