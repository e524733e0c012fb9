/**
 * How much there is to decode in a picture, read from its first bytes and its parts' lengths: a few kilobytes can hold
 * a picture of gigabytes, or an animation of thousands of frames. Nothing is decoded here.
 */

/** Of one picture, and of all frames of an animation. */
const MOST_PIXELS = 50_000_000;
const MOST_ANIMATED = 400_000_000;
const LONGEST_SIDE = 30_000;
/** In bytes. */
const SHORTEST = 64;
/** Passes over the whole picture that a JPEG may take. */
const MOST_SCANS = 60;

/**
 * @typedef {object} Measured
 * @property {number} width  In pixels.
 * @property {number} height
 * @property {number} frames  1, unless it is an animation.
 */

/**
 * @param {Uint8Array} bytes
 * @returns {Measured | undefined}  Undefined where it is none of PNG, JPEG, WebP and GIF, or its size is not where it
 *   has to be.
 */
export function measure(bytes) {
  const text = (/** @type {number} */ from, /** @type {number} */ to) =>
    String.fromCharCode(...bytes.subarray(from, to));
  if (text(0, 8) === "\x89PNG\r\n\x1a\n") return measurePng(bytes, text);
  if (text(0, 4) === "GIF8") return measureGif(bytes);
  if (bytes[0] === 0xff && bytes[1] === 0xd8) return measureJpeg(bytes);
  if (text(0, 4) === "RIFF" && text(8, 12) === "WEBP") return measureWebp(bytes, text);
  return undefined;
}

/**
 * Why a picture is not to be drawn.
 * @param {Uint8Array} bytes
 * @returns {string}  Empty where it may be.
 */
export function tooMuch(bytes) {
  const measured = measure(bytes);
  // What is too short for a head with a size in it, the browser cannot draw either.
  if (!measured) return bytes.length < SHORTEST ? "" : "its size cannot be read";
  const { width, height, frames } = measured;
  const size = `${width.toLocaleString("en")} × ${height.toLocaleString("en")} pixels`;
  if (width * height > MOST_PIXELS || Math.max(width, height) > LONGEST_SIDE) return `it has ${size}`;
  return width * height * frames > MOST_ANIMATED ? `it has ${size}, ${frames.toLocaleString("en")} times over` : "";
}

/**
 * The bytes of a text in base64, or of a `data:` URL; undefined where it is none.
 * @param {string} text
 * @returns {Uint8Array<ArrayBuffer> | undefined}
 */
export function bytesOf(text) {
  const base64 = text.startsWith("data:") ? text.slice(text.indexOf(",") + 1) : text;
  try {
    return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  } catch {
    return undefined;
  }
}

/** @param {Uint8Array} bytes @param {number} at */
function big(bytes, at) {
  return ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0;
}

/** @param {Uint8Array} bytes @param {number} at @param {number} [length] */
function little(bytes, at, length = 2) {
  let value = 0;
  for (let byte = length - 1; byte >= 0; byte -= 1) value = value * 256 + (bytes[at + byte] ?? 0);
  return value;
}

/** @param {Uint8Array} bytes @param {(from: number, to: number) => string} text */
function measurePng(bytes, text) {
  let frames = 1;
  for (let at = 8; at + 8 <= bytes.length; at += 12 + big(bytes, at)) {
    if (text(at + 4, at + 8) === "acTL") frames = Math.max(1, big(bytes, at + 8));
  }
  return sized(big(bytes, 16), big(bytes, 20), frames);
}

/** @param {Uint8Array} bytes */
function measureGif(bytes) {
  let frames = 0;
  const table = (/** @type {number} */ flags) => (flags & 0x80 ? 3 << ((flags & 7) + 1) : 0);
  let width = little(bytes, 6);
  let height = little(bytes, 8);
  let at = 13 + table(bytes[10]);
  const skipBlocks = () => {
    while (at < bytes.length && bytes[at] > 0) at += bytes[at] + 1;
    at += 1;
  };
  while (at < bytes.length && bytes[at] !== 0x3b) {
    if (bytes[at] === 0x2c) {
      frames += 1;
      // A frame may be larger than the picture says to be.
      width = Math.max(width, little(bytes, at + 1) + little(bytes, at + 5));
      height = Math.max(height, little(bytes, at + 3) + little(bytes, at + 7));
      at += 11 + table(bytes[at + 9]);
    } else at += 2;
    skipBlocks();
  }
  return sized(width, height, frames);
}

/** @param {Uint8Array} bytes */
function measureJpeg(bytes) {
  let scans = 0;
  /** @type {Measured | undefined} */
  let found;
  for (let at = 2; at + 4 <= bytes.length; ) {
    const marker = bytes[at + 1];
    if (bytes[at] !== 0xff || marker === 0 || marker === 0xff || (marker >= 0xd0 && marker <= 0xd7)) {
      at += 1;
      continue;
    }
    if (marker === 0xd9) break;
    if (marker === 0xda) scans += 1;
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame && !found) found = sized(bytes[at + 7] * 256 + bytes[at + 8], bytes[at + 5] * 256 + bytes[at + 6], 1);
    at += 2 + bytes[at + 2] * 256 + bytes[at + 3];
  }
  return found && scans > MOST_SCANS ? { ...found, frames: scans } : found;
}

/** @param {Uint8Array} bytes @param {(from: number, to: number) => string} text */
function measureWebp(bytes, text) {
  let frames = 0;
  let width = 0;
  let height = 0;
  for (let at = 12; at + 8 <= bytes.length; ) {
    const kind = text(at, at + 4);
    const data = at + 8;
    if (kind === "VP8X") {
      width = little(bytes, data + 4, 3) + 1;
      height = little(bytes, data + 7, 3) + 1;
    } else if (kind === "ANMF") {
      frames += 1;
    } else if (kind === "VP8L" && width === 0) {
      const packed = little(bytes, data + 1, 4);
      width = (packed % 16_384) + 1;
      height = (Math.floor(packed / 16_384) % 16_384) + 1;
    } else if (kind === "VP8 " && width === 0) {
      width = little(bytes, data + 6) % 16_384;
      height = little(bytes, data + 8) % 16_384;
    }
    const length = little(bytes, at + 4, 4);
    at = data + length + (length % 2);
  }
  return sized(width, height, frames);
}

/** @param {number} width @param {number} height @param {number} frames @returns {Measured | undefined} */
function sized(width, height, frames) {
  return width > 0 && height > 0 ? { width, height, frames: Math.max(1, frames) } : undefined;
}
