/**
 * The memory of a Python that has just started, kept in the origin private file system, so that the next worker can go on from there.
 *
 * A file's name is `<key>-<SHA-256 of its content>`. The key stands for everything that a snapshot depends on; a file with another
 * key is of no use any more. The content is compared with the name before it is used, so a crash in the middle of writing, a full disk or a
 * damaged file means a plain start and nothing worse.
 */

const FOLDER = "snapshots";

/**
 * @param {string} id  Of all that is packed.
 * @returns {Promise<string>}
 */
export async function snapshotKey(id) {
  const { uaFullVersion, architecture, bitness } =
    (await /** @type {any} */ (navigator).userAgentData?.getHighEntropyValues?.([
      "uaFullVersion",
      "architecture",
      "bitness",
    ])) ?? {};
  const browser = [navigator.userAgent, uaFullVersion, architecture, bitness];
  return (await sha256(new TextEncoder().encode(JSON.stringify([id, browser])))).slice(0, 32);
}

/**
 * @typedef {object} Snapshot
 * @property {number} size  In bytes.
 * @property {() => Promise<ArrayBuffer>} read  Rejects when the content is not what was written.
 */

/**
 * @param {string} key
 * @returns {Promise<Snapshot | undefined>}  Undefined when none was made, or only for something else.
 */
export async function findSnapshot(key) {
  for await (const [name, handle] of files(await folder())) {
    if (!name.startsWith(`${key}-`)) continue;
    const file = await handle.getFile();
    return { size: file.size, read: () => readVerified(file, name.slice(key.length + 1)) };
  }
  return undefined;
}

/** @param {File} file @param {string} digest */
async function readVerified(file, digest) {
  const bytes = await file.arrayBuffer();
  if ((await sha256(bytes)) !== digest) throw new Error("the file is damaged or was never finished");
  return bytes;
}

/**
 * @param {string} key
 * @param {Uint8Array<ArrayBuffer>} bytes
 */
export async function writeSnapshot(key, bytes) {
  const directory = await folder();
  await forgetSnapshots();
  const handle = await directory.getFileHandle(`${key}-${await sha256(bytes)}`, { create: true });
  const file = await handle.createWritable();
  try {
    await file.write(bytes);
    await file.close();
  } catch (error) {
    await file.abort().catch(() => {});
    throw error;
  }
}

/** Remove every snapshot, so that the next worker starts plainly and makes a new one. */
export async function forgetSnapshots() {
  const directory = await folder();
  for await (const [name] of files(directory)) await directory.removeEntry(name);
}

/** How many bytes the snapshots take. */
export async function snapshotBytes() {
  let bytes = 0;
  for await (const [, handle] of files(await folder())) bytes += (await handle.getFile()).size;
  return bytes;
}

async function folder() {
  return (await navigator.storage.getDirectory()).getDirectoryHandle(FOLDER, { create: true });
}

/**
 * @param {FileSystemDirectoryHandle} directory
 * @returns {AsyncIterable<[string, FileSystemFileHandle]>}
 */
function files(directory) {
  return /** @type {any} */ (directory).entries();
}

/** @param {BufferSource} bytes */
async function sha256(bytes) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
