/**
 * Draws as the panel does, once per frame, in a page that reads the stream itself, without worker and
 * Python. `bench/latency.py` calls `ask`.
 */

import { ConversationView } from "../sidepanel/conversation/conversation-view.js";
import { Edits } from "../sidepanel/conversation/edits.js";
import { byId } from "../ui/dom.js";
import { createParser } from "../vendor/eventsource-parser/index.js";
import OpenAI from "../vendor/openai/index.mjs";

const PROMPT = { model: "bench-model", input: "Hello" };

const view = new ConversationView({
  log: byId("conversation"),
  scroller: byId("stage"),
  jump: byId("jump"),
  // Nobody presses a button here.
  actions: /** @type {any} */ ({ edits: new Edits() }),
});
const STATE = { isBusy: false, isAsking: false };

/**
 * Each calls `onText` with every piece of the answer.
 * @type {Record<string, (baseURL: string, onText: (text: string) => void) => Promise<void>>}
 */
const readers = {
  async sdk(baseURL, onText) {
    const client = new OpenAI({ apiKey: "bench-key", baseURL, maxRetries: 0, dangerouslyAllowBrowser: true });
    const stream = await client.responses.create({ ...PROMPT, stream: true });
    for await (const event of stream) if (event.type === "response.output_text.delta") onText(event.delta);
  },

  async fetch(baseURL, onText) {
    const response = await fetch(`${baseURL}/responses`, { method: "POST", body: JSON.stringify(PROMPT) });
    const parser = createParser({
      onEvent({ data }) {
        const event = JSON.parse(data);
        if (event.type === "response.output_text.delta") onText(event.delta);
      },
    });
    const decoder = new TextDecoder();
    const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      parser.feed(decoder.decode(value, { stream: true }));
    }
  },
};

/**
 * One turn, to its end.
 * @param {string} reader
 * @param {string} baseURL
 */
globalThis.ask = async (reader, baseURL) => {
  const block = { kind: "text", text: "", open: true };
  const turn = { id: crypto.randomUUID(), user: "Hello", created_at: 0, status: "running", blocks: [block] };
  view.show([turn], STATE);
  await readers[reader](baseURL, (text) => {
    block.text += text;
    view.show([turn], STATE);
  });
  block.open = false;
  turn.status = "completed";
  view.show([turn], STATE);
};
