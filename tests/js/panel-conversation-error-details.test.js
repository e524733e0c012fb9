import assert from "node:assert/strict";
import { test } from "node:test";
import { ERROR, newTurn, show } from "./turn-for-readers.js";

/** @import {Turn} from "../../extension/shared/protocol.js" */

const { detailsText } = await import("../../extension/sidepanel/conversation/error-details.js");

const EXCHANGE = {
  method: "POST",
  url: "https://api.test/v1/responses",
  request_headers: { "content-type": "application/json", authorization: "***" },
  request_body: '{"model":"m","input":"Hello"}',
  status: 400,
  response_headers: { "x-request-id": "req_1" },
  response_body: '{"error":{"message":"No."}}',
};

test("a report holds what happened, the provider, the request and the exchange", () => {
  const text = detailsText(
    {
      ...ERROR,
      status: 400,
      request_id: "req_1",
      server_message: "No.",
      details: {
        provider: "OpenAI",
        origin: "https://api.test",
        model: "gpt-5",
        wire_api: "responses",
        attempts: 2,
        finish_reason: "length",
        notices: ["Sent without stream_options."],
        version: "1.2.4",
        exchange: EXCHANGE,
      },
    },
    { status: "failed", at: 0 },
  );
  assert.equal(
    text,
    `What happened: The provider refused the request (status 400).
What to do: Change it.
The server said: No.
Kind of error: invalid_request
Provider: OpenAI (https://api.test)
Model: gpt-5
Wire API: responses
Status: 400
Request id: req_1
Finish reason: length
Attempts: 2
Notices: Sent without stream_options.
Turn: failed
Begun: 1970-01-01T00:00:00.000Z
Sidestream: 1.2.3, core 1.2.4
Browser: Chromium 153 on Linux

--- Request, with the lengths of texts in place of the texts ---
POST https://api.test/v1/responses
content-type: application/json
authorization: [redacted]

{"model":"m","input":"Hello"}

--- Response ---
HTTP 400
x-request-id: req_1

{"error":{"message":"No."}}
`,
  );
});

test("vellum-ai/vellum-assistant#15630: what is known is copied where there are no details", () => {
  const text = detailsText({ kind: "internal", message: "It broke." });
  assert.match(text, /^What happened: It broke\.\nKind of error: internal\nSidestream: 1\.2\.3\nBrowser: /);
  assert.doesNotMatch(text, /undefined|null|---/);
});

test("CherryHQ/cherry-studio#19824: an object is shown by its contents, never as [object Object]", () => {
  const odd = /** @type {any} */ ({
    ...ERROR,
    server_message: { code: 4, text: "No." },
    details: {
      notices: [{ a: 1 }],
      exchange: { request_body: { model: "m" }, response_headers: "odd", status: "odd" },
    },
  });
  const text = detailsText(odd);
  assert.match(text, /The server said: \{"code":4,"text":"No\."\}/);
  assert.match(text, /\n\n--- Request.*\n\{"model":"m"\}\n/);
  assert.doesNotMatch(text, /\[object/);
  const { page } = show(newTurn({ status: "failed", error: odd }));
  assert.doesNotMatch(page.textContent, /\[object/);
});

test("AstrBotDevs/AstrBot#440: a key anywhere in an error is not copied", () => {
  const key = "sk-abcdefghijklmnop";
  const text = detailsText({
    ...ERROR,
    server_message: `Bad key: Bearer ${key}`,
    details: {
      exchange: {
        ...EXCHANGE,
        url: `https://api.test/v1?api_key=${key}`,
        request_headers: { Authorization: `Bearer ${key}` },
        response_body: JSON.stringify({ headers: { "api-key": "0123456789abcdef" }, prompt_cache_key: "kept" }),
      },
    },
  });
  assert.doesNotMatch(text, /abcdefgh|0123456789abcdef/);
  assert.match(text, /"prompt_cache_key":"kept"/);
});

test("images are left out of a report, and the rest is bounded", () => {
  const image = `data:image/png;base64,${"iVBOR".repeat(200)}==`;
  const text = detailsText({
    ...ERROR,
    message: "x".repeat(10_000),
    details: { exchange: { ...EXCHANGE, request_body: `{"url":"${image}","more":"${"word ".repeat(10_000)}"}` } },
  });
  assert.match(text, /data:image\/png;base64,\[1002 characters left out\]/);
  assert.match(text, /… \[6000 more characters left out\]/);
  assert.ok(text.length < 25_000);
});
