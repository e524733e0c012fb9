import assert from "node:assert/strict";
import { test } from "node:test";
import { percentText } from "../../extension/sidepanel/formats.js";
import { contextText, creditsText, gaugeText } from "../../extension/sidepanel/usage/usage-labels.js";

test("how much of the context window is used", () => {
  assert.equal(contextText(undefined), null);
  assert.equal(contextText({ usage: {}, context_window: 272_000 }), null);
  assert.deepEqual(contextText({ usage: {}, context_used: 12_345 }), { short: "12.3K", long: "12,345" });
  assert.deepEqual(contextText({ usage: {}, context_used: 999, context_window: 1_047_576 }), {
    short: "999 of 1.05M",
    long: "999 of 1,047,576",
  });
});

test("how much of a limit is used, as far as it is reported", () => {
  const label = "Requests";
  assert.equal(gaugeText({ label, percent: 42.9 }), "42% used");
  assert.equal(gaugeText({ label, percent: 20, limit: 5000, remaining: 4000 }), "4,000 of 5,000 left");
  assert.equal(gaugeText({ label, remaining: 0 }), "0 left");
  assert.equal(gaugeText({ label, limit: 5000 }), "at most 5,000");
  assert.deepEqual([99.99, 100].map(percentText), ["99%", "100%"]);
});

test("what is left of bought credits", () => {
  assert.equal(creditsText({ has_credits: true, unlimited: true }), "Credits: unlimited");
  assert.equal(creditsText({ has_credits: true, unlimited: false, balance: "12.50" }), "Credits: 12.50 left");
  assert.equal(creditsText({ has_credits: true, unlimited: false }), "Credits: available");
  assert.equal(creditsText({ has_credits: false, unlimited: false, balance: "0" }), "Credits: none left");
});
