/**
 * Whether a host is this computer, or in the network that it stands in: what an answer names there is not fetched. A
 * name tells of itself only what is known of its ending; what a name server makes of one that looks public, nobody
 * knows before it is asked.
 */

/** Endings of names that no public name server knows, or that stand for this computer. */
const ENDINGS =
  /(?:^|\.)(?:localhost|local|localdomain|internal|intranet|lan|home|corp|private|home\.arpa|in-addr\.arpa|ip6\.arpa)$/;
/** Public names that lead to this computer, or to the address that is written into them. */
const LEADING_BACK =
  /(?:^|\.)(?:localtest\.me|lvh\.me|vcap\.me|lacolhost\.com|yoogle\.com|nip\.io|sslip\.io|xip\.io|traefik\.me|fbi\.com|localho\.st|backname\.io)$/;

/**
 * @param {string} hostname  Of a `URL`, which has brought numbers and letters of all spellings into one.
 * @returns {boolean}
 */
export function isPrivateHost(hostname) {
  const host = hostname.toLowerCase().replace(/\.+$/, "");
  if (host.startsWith("[")) return isPrivateIpv6(host.slice(1, -1));
  const numbers = /^(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(host);
  if (numbers) return isPrivateIpv4(numbers.slice(1).map(Number));
  // A name without a dot is one of the network's own.
  return !host.includes(".") || ENDINGS.test(host) || LEADING_BACK.test(host);
}

/**
 * Whether an image of an answer may be fetched from there, once the reader asks for it.
 * @param {string} address
 * @returns {boolean}
 */
export function mayBeFetched(address) {
  if (!URL.canParse(address)) return false;
  const { protocol, hostname, username, password } = new URL(address);
  return /^https?:$/.test(protocol) && !username && !password && !isPrivateHost(hostname);
}

/** @param {number[]} bytes */
function isPrivateIpv4([a, b, c]) {
  return (
    [0, 10, 127].includes(a) ||
    a >= 224 ||
    (a === 100 && b >= 64 && b < 128) ||
    (a === 169 && b === 254) ||
    (a === 172 && b >= 16 && b < 32) ||
    (a === 192 && (b === 168 || (b === 0 && (c === 0 || c === 2)) || (b === 88 && c === 99))) ||
    (a === 198 && (b === 18 || b === 19 || (b === 51 && c === 100))) ||
    (a === 203 && b === 0 && c === 113)
  );
}

/** @param {string} address  As a `URL` writes it, without its brackets. */
function isPrivateIpv6(address) {
  const [head, tail] = address.split("::");
  const groups = (/** @type {string | undefined} */ text) =>
    text ? text.split(":").map((group) => Number.parseInt(group, 16)) : [];
  const before = groups(head);
  const after = tail === undefined ? [] : groups(tail);
  const all = [...before, ...new Array(Math.max(0, 8 - before.length - after.length)).fill(0), ...after];
  const ipv4 = (/** @type {number} */ at) =>
    isPrivateIpv4([all[at] >> 8, all[at] & 255, all[at + 1] >> 8, all[at + 1] & 255]);
  const isZero = (/** @type {number} */ count) => all.slice(0, count).every((group) => group === 0);
  // Mapped and translated IPv4, and what holds it in its name.
  if (isZero(6) || (isZero(5) && all[5] === 0xffff) || (isZero(4) && all[4] === 0xffff && all[5] === 0))
    return isZero(6) || ipv4(6);
  if (all[0] === 0x64 && all[1] === 0xff9b) return all[2] !== 0 || ipv4(6);
  if (all[0] === 0x2002) return ipv4(1);
  // Only 2000::/3 is public, without Teredo and what is meant for documents.
  return all[0] >> 13 !== 1 || (all[0] === 0x2001 && (all[1] === 0 || all[1] === 0xdb8));
}
