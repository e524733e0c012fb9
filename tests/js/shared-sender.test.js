import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const manifest = JSON.parse(readFileSync(new URL("../../manifest.json", import.meta.url), "utf8"));
const ORIGIN = "chrome-extension://abc";
Object.assign(globalThis, {
  chrome: {
    runtime: { id: "abc", getURL: (/** @type {string} */ path) => `${ORIGIN}/${path}` },
  },
});
const { isOwnPage, isWorker } = await import("../../extension/shared/sender.js");

const page = { id: "abc", origin: ORIGIN, url: `${ORIGIN}/sidepanel/index.html`, documentId: "1" };
const worker = { id: "abc", url: `${ORIGIN}/service_worker.js` };

/**
 * uBlockOrigin/uBlock-issues#1992: a page's process that was taken over could choose the URL of a message, but not its
 * origin.
 */
test("a sender is known by its origin and its address", () => {
  assert.equal(isOwnPage(page), true);
  for (const other of [
    undefined,
    {},
    { ...page, id: "other" },
    { ...page, origin: "https://example.com" },
    { ...page, origin: "null" },
    { ...page, origin: undefined },
    { ...page, origin: `${ORIGIN}.example` },
    { ...page, url: "https://example.com/" },
    { ...page, url: undefined },
    { ...page, url: "chrome-extension://abcd/sidepanel/index.html", origin: "chrome-extension://abcd" },
    worker,
  ])
    assert.equal(isOwnPage(other), false, JSON.stringify(other));
});

test("pages listen to the worker alone", () => {
  assert.equal(manifest.background.service_worker, "service_worker.js");
  assert.equal(isWorker(worker), true);
  for (const other of [
    undefined,
    page,
    { ...worker, id: "other" },
    { ...worker, origin: "https://example.com" },
    { ...worker, tab: /** @type {any} */ ({ id: 1 }) },
    { ...worker, url: `${ORIGIN}/service_worker.js?x` },
    { ...worker, url: undefined },
  ])
    assert.equal(isWorker(other), false, JSON.stringify(other));
});

test("the policy of the pages leaves nothing open that they do not need", () => {
  const policy = new Map(
    manifest.content_security_policy.extension_pages.split("; ").map((/** @type {string} */ each) => {
      const [name, ...values] = each.split(" ");
      return [name, values.join(" ")];
    }),
  );
  assert.deepEqual(
    ["base-uri", "form-action", "frame-ancestors", "require-trusted-types-for"].map((name) => policy.get(name)),
    ["'none'", "'none'", "'none'", "'script'"],
  );
  for (const [name, values] of policy) assert.doesNotMatch(values, /'unsafe-|\*|https?:/, name);
  assert.match(manifest.content_security_policy.sandbox, /default-src 'none'.*form-action 'none'; base-uri 'none'/);
  assert.equal(manifest.externally_connectable, undefined);
  assert.equal(manifest.web_accessible_resources, undefined);
});
