/** Back to the first day. */

import { deleteDatabase } from "../shared/storage/database.js";
import { forgetSnapshots } from "./python/snapshot.js";

/** Removes all that is stored, the secrets first, and gives the origins back that the user had allowed. */
export async function forgetEverything() {
  await chrome.storage.local.clear();
  await chrome.storage.session.clear();
  await chrome.storage.sync?.clear();
  await chrome.alarms.clearAll();
  await deleteDatabase();
  await forgetSnapshots();
  const { origins = [] } = await chrome.permissions.getAll();
  const installed = new Set(chrome.runtime.getManifest().host_permissions);
  const granted = origins.filter((origin) => !installed.has(origin));
  if (granted.length > 0) await chrome.permissions.remove({ origins: granted });
}
