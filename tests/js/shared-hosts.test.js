/** The names of hosts that Python may reach: which are taken, how they are written, and what of them may be reached. */

import assert from "node:assert/strict";
import test from "node:test";

const { originsOf, readHosts } = await import("../../extension/shared/hosts.js");

test("hosts are read one per line or with commas, each once, in one notation", () => {
  assert.deepEqual(readHosts(""), { hosts: [], error: "" });
  assert.deepEqual(readHosts(" api.example.com,\nlocalhost:8000\n\n127.0.0.1:8000; API.example.com "), {
    hosts: ["api.example.com", "localhost:8000", "127.0.0.1:8000"],
    error: "",
  });
  for (const [typed, stored] of Object.entries({
    "https://api.example.com/": "api.example.com",
    "api.example.com:443": "api.example.com",
    "api.example.com:08443": "api.example.com:8443",
    "http://localhost:8000/": "localhost:8000",
    "https://localhost:443": "localhost:443",
    "0x7f.1:80": "127.0.0.1:80",
    "bücher.example": "xn--bcher-kva.example",
    intranet: "intranet",
  })) {
    assert.deepEqual(readHosts(typed), { hosts: [stored], error: "" }, typed);
    assert.deepEqual(readHosts(stored), { hosts: [stored], error: "" }, stored);
  }
});

test("what is no host is named, with what is wrong with it; the others are read", () => {
  for (const [typed, words] of /** @type {[string, RegExp][]} */ ([
    ["*.example.com", /whole host name, without an asterisk/],
    ["*", /whole host name/],
    ["http://api.example.com", /without encryption/],
    ["http://localhost.example.com", /without encryption/],
    ["ftp://api.example.com", /Only https/],
    ["wss://api.example.com", /Only https/],
    ["https://api.example.com/v1", /only the host/],
    ["api.example.com?q", /only the host/],
    ["user@api.example.com", /only the host/],
    ["api.example.com\\@other.example", /only the host/],
    ["localhost", /Enter the port/],
    ["localhost:0", /from 1 to 65535/],
    ["localhost:65536", /from 1 to 65535/],
    ["api.example.com:", /from 1 to 65535/],
    ["api.example.com:*", /asterisk/],
    ["a:b:c", /from 1 to 65535/],
    ["[::1]:8000", /kind of address/],
    ["192.168.1.5", /only 127\.0\.0\.1/],
    ["api..example", /not a host name/],
    ["example.com.", /not a host name/],
    ["a_b.example", /not a host name/],
    ["'self'", /not a host name/],
    ["https:", /from 1 to/],
    ["data:", /from 1 to/],
    [":8000", /not a host name/],
    ["https://", /not a host name/],
  ])) {
    const { hosts, error } = readHosts(`good.example ${typed}`);
    assert.deepEqual(hosts, ["good.example"], typed);
    assert.match(error, words, typed);
    assert.ok(error.startsWith(`“${typed}”`), error);
  }
  assert.ok(readHosts(`https://${"x".repeat(1000)}/path`).error.length < 200);
});

test("there are bounds", () => {
  const { hosts, error } = readHosts(Array.from({ length: 31 }, (_, index) => `host${index}.example`).join("\n"));
  assert.equal(hosts.length, 30);
  assert.match(error, /at most 30 hosts/);
});

test("a host stands for its encrypted origin; one on this computer for both", () => {
  assert.deepEqual(originsOf("api.example.com"), ["https://api.example.com"]);
  assert.deepEqual(originsOf("api.example.com:8443"), ["https://api.example.com:8443"]);
  assert.deepEqual(originsOf("localhost:8000"), ["http://localhost:8000", "https://localhost:8000"]);
  assert.deepEqual(originsOf("127.0.0.1:80"), ["http://127.0.0.1:80", "https://127.0.0.1:80"]);
});
