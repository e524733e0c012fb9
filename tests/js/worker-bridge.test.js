import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import { browser, redirected, watchers } from "./worker-globals.js";

const { abortAll, HIGH_WATER_BYTES, liveFetchPumps, openFetchPump, PIECE_BYTES } = await import(
  "../../extension/worker/python/bridge.js"
);
const { awakeDuring, holdAwake } = await import("../../extension/worker/keep-alive.js");
const { redact } = await import("../../extension/shared/log.js");
const { AFTER_FRAME_MS, LATE_MS, LIMIT, Panels } = await import("../../extension/worker/panels.js");

const URL_ = "https://a.test/v1/responses";

/** What the last `fetch` was called with. @type {{url: string, init: RequestInit}} */
let asked;

/** @param {(url: string, init: RequestInit) => Response | Promise<Response>} answer */
function answering(answer) {
  globalThis.fetch = async (url, init) => {
    asked = { url: String(url), init: init ?? {} };
    init?.signal?.throwIfAborted();
    return answer(asked.url, asked.init);
  };
}

/** A body that the test feeds. */
function fed() {
  /** @type {ReadableStreamDefaultController<Uint8Array>} */
  let controller;
  const stream = new ReadableStream({
    start(given) {
      controller = given;
    },
  });
  return {
    stream,
    /** @param {string} text */
    push: (text) => controller.enqueue(new TextEncoder().encode(text)),
    close: () => controller.close(),
    fail: () => controller.error(new TypeError("network error")),
  };
}

/** @param {Uint8Array | undefined} bytes */
const text = (bytes) => bytes && new TextDecoder().decode(bytes);

/** @param {boolean} onLine */
function setOnline(onLine) {
  Object.defineProperty(globalThis, "navigator", { value: { onLine }, configurable: true });
}

/**
 * Resolves as soon as there is something to take, or nothing more to come.
 * @param {import("../../extension/worker/python/bridge.js").FetchPump} pump
 * @returns {Promise<void>}
 */
const news = (pump) =>
  new Promise((resolve) => {
    pump.listen(resolve);
    if (pump.ended) resolve();
  });

/** Lets all promises settle. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

beforeEach(() => {
  abortAll();
  setOnline(true);
  browser.granted = undefined;
});

test("an answer: head, bytes gathered since the last call, end", async () => {
  const body = fed();
  answering(() => new Response(body.stream, { status: 429, headers: { "Retry-After": "2" } }));
  const pump = openFetchPump("POST", URL_, '{"authorization": "Bearer x"}', new Uint8Array([123, 125]));
  assert.deepEqual(JSON.parse(await pump.head()), { status: 429, headers: { "retry-after": "2" } });
  assert.equal(pump.take(), undefined);
  const waiting = news(pump);
  body.push("one ");
  body.push("two ");
  await waiting;
  await settled();
  assert.equal(text(pump.take()), "one two ");
  body.push("three");
  body.close();
  await news(pump);
  await settled();
  assert.deepEqual([pump.ended, pump.failure, text(pump.take()), pump.take()], [true, "", "three", undefined]);
  assert.equal(liveFetchPumps(), 0);
});

test("however much arrives in one piece, it is passed on in pieces", async () => {
  const body = new Uint8Array(2.5 * PIECE_BYTES).map((_, place) => place % 251);
  answering(() => new Response(body));
  const pump = openFetchPump("POST", URL_, "{}");
  await pump.head();
  await settled();
  const taken = [];
  for (let piece = pump.take(); piece; piece = pump.take()) taken.push(piece);
  assert.deepEqual(
    taken.map((piece) => piece.length),
    [PIECE_BYTES, PIECE_BYTES, PIECE_BYTES / 2],
  );
  assert.ok(Buffer.concat(taken).equals(body));
});

test("the listener is called once for all that arrives before it is taken", async () => {
  const body = fed();
  answering(() => new Response(body.stream));
  const pump = openFetchPump("POST", URL_, "{}");
  await pump.head();
  let calls = 0;
  pump.listen(() => (calls += 1));
  for (const expected of ["ab", "cd"]) {
    for (const piece of expected) {
      body.push(piece);
      await settled();
    }
    assert.equal(text(pump.take()), expected);
  }
  assert.equal(calls, 2);
  body.close();
  await settled();
  assert.equal(calls, 3);
});

test("the request carries nothing that it should not", async () => {
  answering(() => new Response(null, { status: 204 }));
  const pump = openFetchPump("GET", URL_, '{"X-A": "1"}');
  await pump.head();
  const { headers, signal, ...rest } = asked.init;
  assert.deepEqual(Object.fromEntries(/** @type {Headers} */ (headers)), { "x-a": "1" });
  assert.ok(signal);
  assert.deepEqual(rest, {
    method: "GET",
    body: undefined,
    cache: "no-store",
    credentials: "omit",
    referrerPolicy: "no-referrer",
    redirect: "manual",
  });
  assert.deepEqual([pump.ended, liveFetchPumps()], [true, 0]);
});

test("a slow taker stops the reader, and a full stop is no end", async () => {
  let pulled = 0;
  const chunk = new Uint8Array(64 * 1024);
  const stream = new ReadableStream(
    {
      pull(controller) {
        pulled += 1;
        if (pulled > 100) controller.close();
        else controller.enqueue(chunk);
      },
    },
    { highWaterMark: 0 },
  );
  answering(() => new Response(stream));
  const pump = openFetchPump("POST", URL_, "{}");
  await pump.head();
  for (let i = 0; i < 50; i++) await settled();
  assert.equal(pulled, HIGH_WATER_BYTES / chunk.length);
  let size = 0;
  while (!pump.ended || size < 100 * chunk.length) {
    await settled();
    size += pump.take()?.length ?? 0;
  }
  assert.equal(size, 100 * chunk.length);
});

test("a body that breaks gives what arrived and then the reason", async () => {
  const body = fed();
  answering(() => new Response(body.stream));
  const pump = openFetchPump("POST", URL_, "{}");
  await pump.head();
  body.push("half");
  await settled();
  setOnline(false);
  body.fail();
  await settled();
  assert.equal(text(pump.take()), "half");
  assert.equal(JSON.parse(pump.failure).reason, "offline");
  assert.deepEqual([pump.ended, liveFetchPumps()], [true, 0]);
});

test("abort ends the request without an error, and may be called twice", async () => {
  const body = fed();
  answering(() => new Response(body.stream));
  const pump = openFetchPump("POST", URL_, "{}");
  await pump.head();
  body.push("dropped");
  await settled();
  const signal = asked.init.signal;
  pump.listen(() => assert.fail("the listener may belong to a Python that is dead"));
  pump.abort();
  pump.abort();
  await settled();
  assert.equal(signal?.aborted, true);
  assert.deepEqual([pump.ended, pump.failure, pump.take(), liveFetchPumps()], [true, "", undefined, 0]);
});

test("abort before the headers", async () => {
  globalThis.fetch = (_, init) =>
    new Promise((_resolve, reject) => init?.signal?.addEventListener("abort", () => reject(init.signal?.reason)));
  const pump = openFetchPump("POST", URL_, "{}");
  pump.abort();
  assert.equal(JSON.parse(await pump.head()).failure.reason, "aborted");
  assert.equal(liveFetchPumps(), 0);
});

/** @type {[string, string, () => void][]} */
const FAILURES = [
  ["unreachable", URL_, () => {}],
  ["offline", URL_, () => setOnline(false)],
  ["unreachable", "http://localhost:1/v1", () => setOnline(false)],
  ["permission", URL_, () => (browser.granted = ["https://other.test/*"])],
  ["unreachable", "https://a.test:8443/v1", () => (browser.granted = ["https://a.test/*"])],
];

for (const [reason, url, arrange] of FAILURES) {
  test(`no answer from ${url}: ${reason}`, async () => {
    arrange();
    answering(() => Promise.reject(new TypeError("Failed to fetch")));
    const pump = openFetchPump("POST", url, "{}");
    assert.equal(JSON.parse(await pump.head()).failure.reason, reason);
    assert.equal(liveFetchPumps(), 0);
  });
}

test("a local server that broke off is distinguished from a missing one by a second request", async () => {
  /** @type {[string, RequestInit][]} */
  const asked = [];
  answering((url, init) => {
    asked.push([url, init]);
    if (init.method === "HEAD") return new Response(null, { status: 404 });
    return Promise.reject(new TypeError("Failed to fetch"));
  });
  const pump = openFetchPump("POST", "http://localhost:1/v1", '{"authorization": "Bearer key"}', new Uint8Array([1]));
  assert.equal(JSON.parse(await pump.head()).failure.reason, "broken");
  const [, [url, { body, headers, credentials }]] = asked;
  assert.deepEqual([url, body, headers, credentials], ["http://localhost:1", undefined, undefined, "omit"]);
});

/** An answer to `fetch` that says of a redirect nothing but that it is one. */
const opaque = () => Object.defineProperty(new Response(null), "type", { value: "opaqueredirect" });

test("a redirect is not followed, and its target is named without its query", async () => {
  /** @type {Pick<RequestInit, "body" | "redirect">[]} */
  const requests = [];
  answering((url, { body, redirect }) => {
    requests.push({ body, redirect });
    redirected({ url: "https://other.test/x", redirectUrl: "https://wrong.test/" });
    redirected({ url, redirectUrl: "https://moved.test/v2/responses?token=secret#x" });
    return opaque();
  });
  const { failure } = JSON.parse(await openFetchPump("POST", URL_, "{}", new Uint8Array([1])).head());
  assert.deepEqual(failure, { reason: "redirect", detail: "https://moved.test/v2/responses" });
  assert.deepEqual(
    requests.map(({ body, redirect }) => [body === undefined, redirect]),
    [
      [false, "manual"],
      [true, "manual"],
    ],
  );
  assert.equal(watchers.size, 0);
});

test("a redirect whose target Chrome does not name is reported without it", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  answering(opaque);
  const head = openFetchPump("POST", URL_, "{}").head();
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
  mock.timers.tick(3000);
  assert.deepEqual(JSON.parse(await head).failure, { reason: "redirect", detail: "" });
  assert.equal(watchers.size, 0);
  mock.timers.reset();
});

test("a header that cannot be sent is named, its value is not", async () => {
  answering(() => new Response(null));
  const head = await openFetchPump("POST", URL_, '{"authorization": "Bearer sk-\u2026secret"}').head();
  assert.deepEqual(JSON.parse(head).failure, { reason: "header", detail: "authorization" });
  assert.ok(!head.includes("secret"));
});

// --- staying awake
// -----------------------------------------------------------------------------------------------------

test("the worker is touched at once and every 15 s while it is held, and no longer", async () => {
  mock.timers.enable({ apis: ["setInterval", "Date"], now: Date.now() + 60_000 });
  browser.touched = 0;
  const first = holdAwake();
  const second = holdAwake();
  assert.equal(browser.touched, 1);
  mock.timers.tick(45_000);
  assert.equal(browser.touched, 4);
  first();
  first();
  mock.timers.tick(15_000);
  assert.equal(browser.touched, 5);
  second();
  mock.timers.tick(60_000);
  assert.equal(browser.touched, 5);
  await assert.rejects(awakeDuring(Promise.reject(new Error("x"))));
  assert.equal(browser.touched, 6);
  mock.timers.tick(60_000);
  assert.equal(browser.touched, 6);
  mock.timers.reset();
});

test("keeping the worker awake just after an API call makes no further call until the next is due", () => {
  mock.timers.enable({ apis: ["setInterval", "Date"], now: Date.now() + 600_000 });
  browser.touched = 0;
  holdAwake()();
  mock.timers.tick(4_000);
  const release = holdAwake();
  assert.equal(browser.touched, 1);
  mock.timers.tick(15_000);
  assert.equal(browser.touched, 2);
  release();
  mock.timers.tick(6_000);
  holdAwake()();
  assert.equal(browser.touched, 3);
  mock.timers.reset();
});

// --- panels
// ------------------------------------------------------------------------------------------------------------

/** A port that remembers what was posted to it. */
function fakePort() {
  const port = {
    posted: /** @type {any[]} */ ([]),
    postMessage: (/** @type {any} */ message) => port.posted.push(message),
  };
  return { port: /** @type {any} */ (port), posted: port.posted };
}

test("a panel receives its own messages, and all panels those for all", () => {
  const panels = new Panels();
  const [one, two] = [fakePort(), fakePort()];
  const [first, second] = [panels.add(one.port), panels.add(two.port)];
  panels.postUpdate('{"type": "Conversation"}', first);
  panels.postUpdate('{"type": "Events"}', first);
  panels.postUpdate('{"type": "Events"}', 99);
  assert.deepEqual(
    one.posted.map((message) => message.type),
    ["Conversation", "Events"],
  );
  assert.deepEqual(two.posted, []);
  panels.post({ type: "Boot", state: "starting", message: "" });
  assert.deepEqual([one.posted.length, two.posted.length], [3, 1]);
  panels.remove(second);
  assert.deepEqual(panels.numbers, [first]);
});

/** @param {string} text @param {number} [seq] @param {string} [turn] */
const events = (text, seq = 1, turn = "t") => JSON.stringify({ type: "Events", turn_id: turn, seq, events: [text] });

/** A joined panel that has drawn what it got, and its messages. */
function joined() {
  const panels = new Panels();
  const { port, posted } = fakePort();
  const panel = panels.add(port);
  panels.postUpdate('{"type": "Conversation"}', panel);
  panels.acknowledge(panel, 1);
  posted.length = 0;
  return { panels, panel, posted };
}

/** Lets time pass only by what it returns. @param {import("node:test").TestContext} context */
function stopped(context) {
  let now = 0;
  context.mock.timers.enable({ apis: ["setTimeout"] });
  context.mock.method(performance, "now", () => now);
  return (/** @type {number} */ ms) => {
    now += ms;
    context.mock.timers.tick(ms);
  };
}

test("a panel receives one batch per frame, with all that arrived meanwhile", (context) => {
  const pass = stopped(context);
  const { panels, panel, posted } = joined();
  panels.postUpdate(events("a", 1), panel);
  panels.postUpdate(events("b", 2), panel);
  pass(LATE_MS - 1);
  panels.postUpdate(events("c", 3), panel);
  assert.deepEqual(posted, [JSON.parse(events("a", 1))]);
  panels.acknowledge(panel, 1);
  pass(AFTER_FRAME_MS - 1);
  panels.postUpdate(events("d", 4), panel);
  assert.equal(posted.length, 1);
  pass(1);
  assert.deepEqual(posted[1], { type: "Events", turn_id: "t", first: 2, seq: 4, events: ["b", "c", "d"] });
  panels.acknowledge(panel, 1);
  pass(AFTER_FRAME_MS);
  // A panel that waits for text gets it at once.
  panels.postUpdate(events("e", 5), panel);
  assert.deepEqual(posted.slice(2), [JSON.parse(events("e", 5))]);
});

test("a late frame does not hold up what is sent", (context) => {
  const pass = stopped(context);
  const { panels, panel, posted } = joined();
  for (const seq of [1, 2, 3, 4]) {
    panels.postUpdate(events("a", seq), panel);
    pass(LATE_MS / 2 - 1);
  }
  assert.deepEqual(
    posted.map(({ first, seq }) => [first ?? seq, seq]),
    [
      [1, 1],
      [2, 3],
    ],
  );
  pass(LATE_MS);
  assert.equal(posted.length, 3);
});

test("messages other than batches of the same turn are sent at once, after what is held", (context) => {
  const pass = stopped(context);
  const { panels, panel, posted } = joined();
  panels.postUpdate(events("a", 1), panel);
  panels.postUpdate(events("b", 2), panel);
  panels.postUpdate('{"type": "Turn"}', panel);
  panels.postUpdate(events("c", 3), panel);
  panels.postUpdate(events("d", 1, "other"), panel);
  panels.acknowledge(panel, 3);
  panels.acknowledge(panel, 1);
  pass(AFTER_FRAME_MS);
  assert.deepEqual(posted, [
    JSON.parse(events("a", 1)),
    JSON.parse(events("b", 2)),
    { type: "Turn" },
    JSON.parse(events("c", 3)),
    JSON.parse(events("d", 1, "other")),
  ]);
});

test("nothing is sent any more to a panel that was removed", (context) => {
  const pass = stopped(context);
  const { panels, panel, posted } = joined();
  panels.postUpdate(events("a", 1), panel);
  panels.acknowledge(panel, 1);
  panels.postUpdate(events("b", 2), panel);
  panels.remove(panel);
  pass(AFTER_FRAME_MS);
  assert.equal(posted.length, 1);
});

test("for a panel that draws nothing, a limited number of characters is kept", (context) => {
  const pass = stopped(context);
  const { panels, panel, posted } = joined();
  const message = events("x".repeat(1000));
  const number = Math.floor(LIMIT / message.length);
  for (let sent = 0; sent < number; sent++) panels.postUpdate(message, panel);
  pass(LATE_MS);
  assert.equal(posted[1].events.length, number - 1);
  assert.equal(panels.acknowledge(panel, 2), false);
  pass(AFTER_FRAME_MS);

  for (let sent = 0; sent < 5 * number; sent++) panels.postUpdate(message, panel);
  pass(LATE_MS);
  assert.equal(posted.length, 3);
  assert.equal(panels.acknowledge(panel, 1), true);
});

test("a panel that keeps up is sent everything", (context) => {
  const pass = stopped(context);
  const { panels, panel, posted } = joined();
  const message = events("x".repeat(LIMIT / 2));
  for (let number = 1; number <= 20; number++) {
    panels.postUpdate(message, panel);
    assert.equal(panels.acknowledge(panel, 1), false);
    pass(AFTER_FRAME_MS);
    assert.equal(posted.length, number);
  }
});

test("a panel that fell behind receives only the conversation, once it has drawn everything", (context) => {
  const pass = stopped(context);
  const { panels, panel, posted } = joined();
  const big = events("x".repeat(LIMIT));
  panels.postUpdate(big, panel);
  panels.post({ type: "Boot", state: "ready", message: "" });
  panels.postUpdate(events("missed"), panel);
  panels.postUpdate('{"type": "Turn"}', panel);
  assert.equal(panels.acknowledge(panel, 1), false);
  // It has room again, but a batch without those before it would be of no use.
  panels.postUpdate(events("missed as well"), panel);
  assert.equal(posted.length, 2);
  assert.equal(panels.acknowledge(panel, 1), true);
  panels.postUpdate('{"type": "Conversation"}', panel);
  panels.postUpdate(events("next"), panel);
  pass(AFTER_FRAME_MS);
  assert.deepEqual(posted.slice(2), [{ type: "Conversation" }, JSON.parse(events("next"))]);
  assert.equal(panels.acknowledge(panel, 2), false);
});

test("a panel that fell behind receives rejections, cancellations and new chats", () => {
  const { panels, panel, posted } = joined();
  panels.postUpdate(events("x".repeat(LIMIT)), panel);
  panels.postUpdate(events("missed"), panel);
  panels.postUpdate('{"type": "Rejected"}', panel);
  panels.postUpdate('{"type": "Cancelled"}', panel);
  panels.postUpdate('{"type": "Conversation"}', panel);
  assert.deepEqual(posted.slice(1), [{ type: "Rejected" }, { type: "Cancelled" }, { type: "Conversation" }]);
});

test("one slow panel does not slow the others down", (context) => {
  const pass = stopped(context);
  const { panels, panel, posted } = joined();
  const other = fakePort();
  const quick = panels.add(other.port);
  panels.postUpdate('{"type": "Conversation"}', quick);
  panels.acknowledge(quick, 1);
  for (let number = 0; number < 3; number++) {
    for (const each of [panel, quick]) panels.postUpdate(events("x".repeat(LIMIT)), each);
    panels.acknowledge(quick, 1);
    pass(AFTER_FRAME_MS);
  }
  assert.deepEqual([posted.length, other.posted.length], [1, 4]);
});

test("a panel whose page has just gone does no harm", () => {
  const panels = new Panels();
  const broken = /** @type {any} */ ({
    postMessage: () => {
      throw new Error("Attempting to use a disconnected port object");
    },
  });
  const good = fakePort();
  panels.add(broken);
  panels.add(good.port);
  panels.post({ type: "Boot", state: "ready", message: "" });
  assert.equal(good.posted.length, 1);
  assert.equal(panels.numbers.length, 1);
});

// --- log
// ---------------------------------------------------------------------------------------------------------------

for (const secret of [
  "Authorization: Bearer abcdefgh12345678",
  "sk-proj-abcdefghij0123456789",
  "eyJhbGciOiJI.eyJzdWIiOiIx.c2lnbmF0dXJl",
  '{"api_key": "abcdefgh12345678"}',
  "passphrase=correct-horse",
]) {
  test(`redacted: ${secret.slice(0, 12)}...`, () => {
    const clean = redact(`before ${secret} after`);
    assert.match(clean, /^before .*\[redacted\].* after$/);
    assert.ok(!/abcdefgh|eyJ|horse/.test(clean), clean);
  });
}

test("ordinary words are not redacted", () => {
  const words = "Failed to fetch https://a.test/v1/responses: task-oriented key not found (401)";
  assert.equal(redact(words), words);
});
