/**
 * The hosts that Python in the sandbox may reach, as the user types them. The panel checks the input with this module,
 * and the sandbox turns the list into a policy that the browser enforces.
 */

import { plural, text } from "./text.js";

const MOST = 30;
/** The names of this computer that a content security policy can hold; `shared/loopback.js` knows more. */
const LOOPBACK = ["localhost", "127.0.0.1"];

/**
 * Reads names of hosts, one a line or with commas or blanks between them: `api.example.com`, `api.example.com:8443`,
 * `localhost:8000`.
 * @param {string} typed
 * @returns {{hosts: string[], error: string}}  The hosts, each once, as they are stored. `error` is for the user: what
 *   is wrong with the first that is none, or empty.
 */
export function readHosts(typed) {
  const entries = typed.split(/[\s,;]+/).filter(Boolean);
  const read = entries.map(readHost);
  const hosts = [...new Set(read.flatMap(({ host }) => host ?? []))];
  const wrong = read.findIndex(({ problem }) => problem);
  if (wrong >= 0) return { hosts, error: text("host_in_entry", shorten(entries[wrong]), read[wrong].problem ?? "") };
  if (hosts.length > MOST) return { hosts: hosts.slice(0, MOST), error: plural("host_too_many", MOST) };
  return { hosts, error: "" };
}

/**
 * What may be reached of a host. Nothing but this computer is reached without encryption.
 * @param {string} host  As {@link readHosts} gives it.
 * @returns {string[]}
 */
export function originsOf(host) {
  const [name] = host.split(":");
  return LOOPBACK.includes(name) ? [`http://${host}`, `https://${host}`] : [`https://${host}`];
}

/**
 * @param {string} entry
 * @returns {{host?: string, problem?: string}}
 */
function readHost(entry) {
  const [, scheme = "", rest] = /** @type {RegExpExecArray} */ (/^(?:([a-z][a-z0-9+.-]*):\/\/)?(.*)$/i.exec(entry));
  const isPlain = /^http$/i.test(scheme);
  if (scheme && !isPlain && !/^https$/i.test(scheme)) return wrong(text("host_only_https"));
  const authority = rest.replace(/\/$/, "");
  if (authority.includes("*")) return wrong(text("host_asterisk"));
  if (/[/?#\\@]/.test(authority)) return wrong(text("host_alone"));
  if (authority.includes("[")) return wrong(text("host_address_kind"));
  const [, typed, port] = /** @type {RegExpExecArray} */ (/^([^:]*)(?::(.*))?$/.exec(authority) ?? [authority, "", ""]);
  if (port !== undefined && !isPort(port)) return wrong(text("host_port"));
  const name = canonical(typed);
  if (!name) return wrong(text("host_not_a_name"));
  if (LOOPBACK.includes(name)) {
    return port ? { host: `${name}:${Number(port)}` } : wrong(text("host_port_missing", name));
  }
  if (/^[\d.]+$/.test(name)) return wrong(text("host_number"));
  if (isPlain) return wrong(text("host_unencrypted"));
  return { host: port && Number(port) !== 443 ? `${name}:${Number(port)}` : name };
}

/** @param {string} problem */
function wrong(problem) {
  return { problem };
}

/** @param {string} port */
function isPort(port) {
  return /^\d{1,5}$/.test(port) && Number(port) > 0 && Number(port) < 65_536;
}

/**
 * The name as the browser writes it: small letters, and those beyond ASCII in their code. Empty if it is none.
 * @param {string} name
 */
function canonical(name) {
  const { hostname } = name && URL.canParse(`https://${name}`) ? new URL(`https://${name}`) : { hostname: "" };
  return /^[a-z0-9-]+(\.[a-z0-9-]+)*$/.test(hostname) ? hostname : "";
}

/** @param {string} entry */
function shorten(entry) {
  return entry.length > 60 ? `${entry.slice(0, 60)}…` : entry;
}
