/** Texts of the list of conversations. */

import { language, plural, text } from "../../shared/text.js";

/** @import {StorageUse} from "../../shared/protocol.js" */

const megabytes = new Intl.NumberFormat(language(), {
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
  const [count, used] = [conversationsText(conversations), inMegabytes(used_bytes)];
  return snapshot_bytes
    ? text("list_storage_with_snapshot", count, used, inMegabytes(snapshot_bytes))
    : text("list_storage", count, used);
}

/** @param {number} count */
export function conversationsText(count) {
  return plural("list_conversations", count);
}
