import assert from "node:assert/strict";
import { test } from "node:test";
import { addressRisks } from "../../extension/options/address-risk.js";

/** @param {string} address @param {{preset?: string, hasKey?: boolean}} [options] */
const risks = (address, { preset = "custom", hasKey = true } = {}) => addressRisks(address, { preset, hasKey });

test("the addresses of providers and of one's own computer need no question", () => {
  for (const address of [
    "https://api.openai.com/v1",
    "https://chatgpt.com/backend-api/codex",
    "https://my-openai.openai.azure.com/openai/v1",
    "https://name.services.ai.azure.com/openai/v1",
    "https://openrouter.ai/api/v1",
    "https://api.anthropic.com/v1",
    "https://gateway.ai.cloudflare.com/v1/a/openai",
    "https://llm.example.org/v1",
    "http://localhost:11434/v1",
    "http://127.0.0.1:8080/v1",
    "http://[::1]:1234/v1",
    "https://192.168.1.5/v1",
    "not an address",
    "",
  ])
    assert.deepEqual(risks(address), [], address);
  for (const [preset, address] of [
    ["openai", "https://api.openai.com/v1"],
    ["openai", "https://eu.api.openai.com/v1"],
    ["openai", "http://127.0.0.1:8000/v1"],
    ["azure", "https://x.openai.azure.com/openai/v1"],
  ])
    assert.deepEqual(risks(address, { preset }), []);
});

/**
 * lemonade-sdk/lemonade#2370: a key over http:// has to be opted into; a server of the own network without a key works
 * as ever.
 */
test("a key that would travel unencrypted is asked about", () => {
  for (const address of [
    "http://api.example.org/v1",
    "http://192.168.1.5:8000/v1",
    "http://localhost.example.org/",
    "http://1.1.1.1/",
  ]) {
    assert.match(risks(address).join(" "), /not encrypted/, address);
    assert.deepEqual(risks(address, { hasKey: false }), []);
  }
});

/** devswha/patina#89: credentials go wherever a base URL says. */
test("hosts that look like a provider's are asked about, with and without a key", () => {
  for (const address of [
    "https://api.openai.com.evil.example/v1",
    "https://api-openai-com.evil.example/v1",
    "https://openai.com-login.example/v1",
    "https://api.0penai.com/v1",
    "https://api.openal.com/v1",
    "https://api.opena1.com/v1",
    "https://api.opneai.com/v1",
    "https://api.openaii.com/v1",
    "https://api.penai.com/v1",
    "https://open-ai.example/v1",
    "https://api.openai.co/v1",
    "https://API.OPENAI.NET/v1",
    "https://chatgpt.example/v1",
    "https://openr0uter.ai/v1",
    "https://api.anthr0pic.com/v1",
    "https://api.openai.com./v1",
    "https://api.\u043epenai.com/v1",
    "https://xn--penai-nye.com/v1",
    "https://\u0430\u0440\u0440\u04cf\u0435.com/v1",
    "https://m\u00fcller.example/v1",
  ]) {
    assert.notDeepEqual(risks(address), [], address);
    assert.notDeepEqual(risks(address, { hasKey: false }), [], address);
  }
});

test("an address that is not the chosen provider's is asked about", () => {
  assert.match(
    risks("https://llm.example.org/v1", { preset: "openai" })[0],
    /You chose OpenAI, but this host does not belong to openai\.com/,
  );
  assert.match(risks("https://llm.example.org/v1", { preset: "openrouter" })[0], /openrouter\.ai/);
  assert.match(risks("https://api.openai.com.example/v1", { preset: "openai" })[0], /does not belong/);
});
