/** Texts of the list of conversations. */

import { numberText } from "../formats.js";

/** @import {StorageUse} from "../../shared/protocol.js" */

const megabytes = new Intl.NumberFormat(undefined, {
  style: "unit",
  unit: "megabyte",
  maximumSignificantDigits: 3,
});

/**
 * @param {StorageUse} use
 * @returns {string}
 */
export function storageText({ used_bytes, snapshot_bytes, conversations }) {
  const inMegabytes = (/** @type {number} */ bytes) => megabytes.format(bytes / 1e6);
  const count = `${numberText(conversations).long} ${conversations === 1 ? "conversation" : "conversations"}`;
  const forPython = snapshot_bytes ? `, ${inMegabytes(snapshot_bytes)} of it to start fast` : "";
  return `${count} · ${inMegabytes(used_bytes)} on disk${forPython}`;
}

/** @param {number} count */
export function pendingText(count) {
  return `Still reading older conversations: ${conversationsText(count)} not searched yet.`;
}

/** @param {number} count */
export function conversationsText(count) {
  return count === 1 ? "1 conversation" : `${count} conversations`;
}
