import assert from "node:assert/strict";
import { test } from "node:test";
import { mayBeFetched } from "../../extension/shared/private-host.js";

/**
 * Spellings of 127.0.0.1 are those of silverbucket/webfinger.js#160 and MakazhanAlpamys/Soup#604, IPv6 of
 * felippe-regazio/ssrfcheck#11.
 */
const PRIVATE = [
  ..."127.0.0.1 127.1 2130706433 0x7f000001 0177.0.0.1 0x7f.0.0.1 127.0.0.1. localhost LOCALHOST localhost. a.localhost".split(
    " ",
  ),
  ..."１２７.0.0.1 127。0。0。1 ⓛocalhost 0 0.0.0.0 10.1.2.3 172.16.0.1 172.31.255.255 192.168.1.1 169.254.169.254 100.64.0.1".split(
    " ",
  ),
  ..."[::1] [::] [::ffff:127.0.0.1] [::ffff:7f00:1] [::127.0.0.1] [fe80::1] [fc00::1] [fd12::1] [ff02::1] [64:ff9b::7f00:1]".split(
    " ",
  ),
  ..."[2002:7f00:1::] [::ffff:0:127.0.0.1] [2001:0:1::] [fec0::1] router nas.local printer.lan db.internal a.home.arpa".split(
    " ",
  ),
  ..."127.0.0.1.nip.io 10-0-0-1.sslip.io localtest.me x.lvh.me 224.0.0.1 255.255.255.255 198.18.0.1 192.0.2.1".split(
    " ",
  ),
];
const PUBLIC =
  "example.org 8.8.8.8 172.32.0.1 192.169.0.1 100.128.0.1 local.example.org [2606:4700::1] [::ffff:8.8.8.8] [64:ff9b::808:808]";

test("nothing on this computer or in its network is fetched, however it is spelt", () => {
  for (const host of PRIVATE) {
    for (const scheme of ["http", "https"]) assert.equal(mayBeFetched(`${scheme}://${host}:8080/x.png`), false, host);
  }
});

test("what is public is fetched", () => {
  for (const host of PUBLIC.split(" ")) assert.equal(mayBeFetched(`https://${host}/x.png`), true, host);
});

test("no other schemes, and no name and password", () => {
  for (const address of [
    "ftp://example.org/x",
    "data:image/png;base64,AA",
    "file:///x",
    "x",
    "",
    "https://a:b@example.org/",
  ]) {
    assert.equal(mayBeFetched(address), false, address);
  }
});
