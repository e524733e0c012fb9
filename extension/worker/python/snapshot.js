/**
 * The memory of a Python that has just started, kept in the origin private file system, so that the next worker can go
 * on from there.
 *
 * A file's name is `<key>-<size of the snapshot>-<SHA-256 of the content>`. The key stands for everything that a
 * snapshot depends on; a file with another key is of no use any more. The content is compared with the name before it
 * is used, so a crash in the middle of writing, a full disk or a damaged file means a plain start and nothing worse.
 *
 * A third of the memory is zeros, and whole pages of them are left out. The content is a list of 32-bit numbers, namely
 * how many ranges follow and then where each begins and how long it is, and after it the bytes of the ranges.
 */

const FOLDER = "snapshots";
const PAGE = 4096;
const WORD = Uint32Array.BYTES_PER_ELEMENT;

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
 * @property {(target: Uint8Array) => Promise<void>} read  Fills zeros in. Rejects when the content is not what was
 *   written.
 */

/**
 * @param {string} key
 * @returns {Promise<Snapshot | undefined>}  Undefined when none was made, or only for something else.
 */
export async function findSnapshot(key) {
  for await (const [name, handle] of files(await folder())) {
    const [made, size, digest] = name.split("-");
    if (made === key) return { size: Number(size), read: (target) => readVerified(handle, digest, target) };
  }
  return undefined;
}

/** @param {FileSystemFileHandle} handle @param {string | undefined} digest @param {Uint8Array} target */
async function readVerified(handle, digest, target) {
  const bytes = await (await handle.getFile()).arrayBuffer();
  if ((await sha256(bytes)) !== digest) throw new Error("the file is damaged or was never finished");
  expand(bytes, target);
}

/**
 * Leave the empty pages out.
 * @param {Uint8Array<ArrayBuffer>} bytes  Pyodide's snapshots consist of whole words.
 */
function condense(bytes) {
  /** @type {[start: number, length: number][]} */
  const ranges = [];
  for (let start = 0; start < bytes.length; start += PAGE) {
    const length = Math.min(PAGE, bytes.length - start);
    if (isEmpty(new Uint32Array(bytes.buffer, bytes.byteOffset + start, length / WORD))) continue;
    const last = ranges.at(-1);
    if (last && last[0] + last[1] === start) last[1] += length;
    else ranges.push([start, length]);
  }
  const list = new Uint32Array([ranges.length, ...ranges.flat()]);
  const parts = ranges.map(([start, length]) => bytes.subarray(start, start + length));
  return new Blob([list, ...parts]).arrayBuffer();
}

/** @param {Uint32Array} words */
function isEmpty(words) {
  for (const word of words) if (word) return false;
  return true;
}

/** @param {ArrayBuffer} condensed @param {Uint8Array} target  All zeros. */
function expand(condensed, target) {
  const [count = 0] = new Uint32Array(condensed, 0, 1);
  const list = new Uint32Array(condensed, WORD, 2 * count);
  let offset = WORD + list.byteLength;
  for (let index = 0; index < list.length; index += 2) {
    const length = /** @type {number} */ (list[index + 1]);
    target.set(new Uint8Array(condensed, offset, length), list[index]);
    offset += length;
  }
}

/** A file that is being written cannot be removed. @type {Promise<unknown>} */
let changing = Promise.resolve();

/**
 * @template T
 * @param {() => Promise<T>} change  Made when those before it are done.
 * @returns {Promise<T>}
 */
function inTurn(change) {
  const done = changing.then(change);
  changing = done.catch(() => {});
  return done;
}

/**
 * @param {string} key
 * @param {Uint8Array<ArrayBuffer>} bytes
 */
export function writeSnapshot(key, bytes) {
  return inTurn(() => write(key, bytes));
}

/** Remove every snapshot, so that the next worker starts plainly and makes a new one. */
export function forgetSnapshots() {
  return inTurn(remove);
}

/** @param {string} key @param {Uint8Array<ArrayBuffer>} bytes */
async function write(key, bytes) {
  await remove();
  const content = await condense(bytes);
  const name = `${key}-${bytes.length}-${await sha256(content)}`;
  const handle = await (await folder()).getFileHandle(name, { create: true });
  const file = await handle.createWritable();
  try {
    await file.write(content);
    await file.close();
  } catch (error) {
    await file.abort().catch(() => {});
    await remove();
    throw error;
  }
}

async function remove() {
  const root = await navigator.storage.getDirectory();
  // Whatever is there, even a file in the folder's place.
  await root.removeEntry(FOLDER, { recursive: true }).catch((error) => {
    if (error.name !== "NotFoundError") throw error;
  });
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
