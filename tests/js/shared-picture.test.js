import assert from "node:assert/strict";
import { test } from "node:test";
import { bytesOf, measure, tooMuch } from "../../extension/shared/picture.js";

/** @param {...(string | number | number[])} parts */
function bytes(...parts) {
  const flat = parts.flatMap((part) => (typeof part === "string" ? [...part].map((c) => c.charCodeAt(0)) : part));
  return Uint8Array.from(flat);
}
const big = (/** @type {number} */ n) => [n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255];
const little = (/** @type {number} */ n, length = 4) =>
  Array.from({ length }, (_, at) => Math.floor(n / 256 ** at) & 255);
const png = (/** @type {number} */ width, /** @type {number} */ height, frames = 0) =>
  bytes(
    "\x89PNG\r\n\x1a\n",
    big(13),
    "IHDR",
    big(width),
    big(height),
    8,
    6,
    0,
    0,
    0,
    big(0),
    ...(frames ? [big(8), "acTL", big(frames), big(0), big(0)] : []),
  );
const frame = [0x2c, 0, 0, 0, 0, 100, 0, 100, 0, 0, 2, 1, 0, 0];
const gif = (/** @type {number} */ width, /** @type {number} */ height, /** @type {number} */ frames) =>
  bytes("GIF89a", little(width, 2), little(height, 2), 0, 0, 0, new Array(frames).fill(frame).flat(), 0x3b);
const jpeg = (/** @type {number} */ width, /** @type {number} */ height, scans = 1) =>
  bytes(
    0xff,
    0xd8,
    0xff,
    0xe0,
    0,
    4,
    0,
    0,
    0xff,
    0xc2,
    0,
    8,
    8,
    height >> 8,
    height & 255,
    width >> 8,
    width & 255,
    1,
    new Array(scans).fill([0xff, 0xda, 0, 2, 7]).flat(),
    0xff,
    0xd9,
  );
const webp = (/** @type {number} */ width, /** @type {number} */ height, /** @type {number} */ frames) =>
  bytes(
    "RIFF",
    little(0),
    "WEBPVP8X",
    little(10),
    2,
    0,
    0,
    0,
    little(width - 1, 3),
    little(height - 1, 3),
    ...new Array(frames).fill(["ANMF", little(0)]).flat(),
  );

test("how large a picture is, is read without decoding it", () => {
  assert.deepEqual(measure(png(30, 20)), { width: 30, height: 20, frames: 1 });
  assert.deepEqual(measure(png(30, 20, 7)), { width: 30, height: 20, frames: 7 });
  assert.deepEqual(measure(gif(130, 120, 3)), { width: 130, height: 120, frames: 3 });
  assert.deepEqual(measure(gif(1, 1, 1)), { width: 100, height: 100, frames: 1 });
  assert.deepEqual(measure(jpeg(300, 200)), { width: 300, height: 200, frames: 1 });
  for (const none of [bytes(), bytes("<svg/>"), bytes("\x89PNG"), png(0, 5), bytes("GIF89a")])
    assert.equal(measure(none), undefined);
});

/** python-pillow/Pillow#515: 44 kB that are decoded to a gigabyte. */
test("what would take too much to decode is not drawn", () => {
  const fine = [png(8_000, 6_000), gif(500, 400, 1_000), jpeg(6_000, 8_000, 10), webp(800, 600, 500)];
  for (const picture of fine) assert.equal(tooMuch(picture), "");
  const bombs = [
    png(30_000, 30_000),
    png(65_000, 1),
    png(4_000, 4_000, 5_000),
    gif(5_000, 5_000, 500),
    gif(65_535, 65_535, 1),
    jpeg(65_500, 65_500),
    jpeg(5_000, 5_000, 500),
    webp(16_000, 16_000, 1),
    webp(4_000, 4_000, 900),
    png(2 ** 31, 2 ** 31),
  ];
  for (const picture of bombs) assert.match(tooMuch(picture), /pixels/);
  assert.match(tooMuch(bytes("x".repeat(100))), /cannot be read/);
});

test("base64 and data URLs", () => {
  assert.deepEqual(bytesOf("AAE="), bytes(0, 1));
  assert.deepEqual(bytesOf("data:image/png;base64,AAE="), bytes(0, 1));
  assert.equal(bytesOf("***"), undefined);
});
