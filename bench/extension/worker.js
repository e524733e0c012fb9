/**
 * The extension's worker, with the peers in it. `bench/decode.py` calls what is in `globalThis.bench`.
 */

import "../service_worker.js";
import { createParser } from "../vendor/eventsource-parser/index.js";
import OpenAI from "../vendor/openai/index.mjs";
import { openFetchPump } from "../worker/python/bridge.js";

const BASE_URL = "https://bench.invalid/v1";
const PROMPT = { model: "bench-model", input: "Hello" };

/** What the next answer consists of. @type {{chunks: Uint8Array[], apart: boolean}} */
let answer = { chunks: [], apart: false };

/** Addresses of everything that was fetched. @type {string[]} */
const fetched = [];

const network = globalThis.fetch;
const memory = () => Promise.resolve(new Response(body(answer), { headers: { "content-type": "text/event-stream" } }));
globalThis.fetch = (input, init) => {
  const url = input instanceof Request ? input.url : String(input);
  if (url.startsWith(BASE_URL)) return memory();
  fetched.push(url);
  return network(input, init);
};

/**
 * A body that is complete at once or, with `apart`, gives each chunk in a task of its own, as a slow server does.
 * @param {{chunks: Uint8Array[], apart: boolean}} answer
 */
function body({ chunks, apart }) {
  let next = 0;
  return new ReadableStream({
    async pull(controller) {
      if (apart) await task();
      if (next < chunks.length) controller.enqueue(chunks[next++].slice());
      else controller.close();
    },
  });
}

const channel = new MessageChannel();
/** @type {() => void} */
let begin = () => {};
channel.port1.onmessage = () => begin();

/** Resolves in a task of its own. */
function task() {
  return new Promise((resolve) => {
    begin = () => resolve(undefined);
    channel.port2.postMessage(null);
  });
}

/** Each reads one answer and gives the number of characters in it. @type {Record<string, () => Promise<number>>} */
const readers = {
  /** The official SDK; nothing is validated. */
  async sdk() {
    const client = new OpenAI({
      apiKey: "bench-key",
      baseURL: BASE_URL,
      fetch: globalThis.fetch,
      maxRetries: 0,
      dangerouslyAllowBrowser: true,
    });
    const stream = await client.responses.create({ ...PROMPT, stream: true });
    let length = 0;
    for await (const event of stream) if (event.type === "response.output_text.delta") length += event.delta.length;
    return length;
  },

  /** The minimum that JavaScript must do. */
  async parser() {
    const response = await fetch(`${BASE_URL}/responses`, { method: "POST", body: JSON.stringify(PROMPT) });
    let length = 0;
    const parser = createParser({
      onEvent({ data }) {
        const event = JSON.parse(data);
        if (event.type === "response.output_text.delta") length += event.delta.length;
      },
    });
    const decoder = new TextDecoder();
    const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return length;
      parser.feed(decoder.decode(value, { stream: true }));
    }
  },

  /** Only reads the body. */
  async nothing() {
    const response = await fetch(`${BASE_URL}/responses`, { method: "POST", body: JSON.stringify(PROMPT) });
    const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader();
    while (!(await reader.read()).done);
    return -1;
  },

  /** Sidestream as it runs in the worker: pump, client, conversation, batches of JSON. */
  chat: () => python.chat(),

  /** Sidestream's client alone: pump, retries, decoder, validated events. */
  client: () => python.client(),

  /** Only makes validated events of bytes. */
  decode: async () => python.decode(pyChunks),
};

/** @type {Record<"chat" | "client" | "decode" | "bytes", any>} */
let python;
/** @type {any} */
let pyChunks;

globalThis.bench = {
  fetched,
  /** The last message to the panel. @type {unknown} */
  posted: undefined,

  /**
   * @param {any} pyodide
   * @param {string} source  `bench/extension/contenders.py`.
   */
  install(pyodide, source) {
    const host = {
      fetch: openFetchPump,
      // As `panels.js` does before it posts to the panel's port.
      post: (/** @type {string} */ message) => {
        globalThis.bench.posted = JSON.parse(message);
      },
    };
    const namespace = pyodide.toPy({});
    pyodide.runPython(source, { globals: namespace });
    python = namespace.get("contenders")(host);
  },

  /**
   * @param {string[]} chunks
   * @param {boolean} apart
   */
  load(chunks, apart) {
    const encoder = new TextEncoder();
    answer = { chunks: chunks.map((chunk) => encoder.encode(chunk)), apart };
    pyChunks?.destroy();
    pyChunks = python.bytes(answer.chunks);
  },

  /**
   * @param {string} reader
   * @returns {Promise<{ms: number, length: number}>}
   */
  async run(reader) {
    const begin = performance.now();
    const length = await readers[reader]();
    return { ms: performance.now() - begin, length };
  },
};
