/**
 * Images made fit to be sent: of a format that every server reads, no larger than models look at, and without what a
 * camera writes into them beside the picture (place, time): they are drawn anew.
 */

import { measure } from "../../shared/picture.js";
import { text as message } from "../../shared/text.js";
import { fileSize } from "../formats.js";

/** @import {Attachment} from "../../shared/protocol.js" */

/**
 * What is known of an attachment that is to be made. `tokens` are estimated for a text, and needed for an image.
 * @typedef {Pick<Attachment, "kind" | "title"> &
 *   Partial<Pick<Attachment, "url" | "width" | "height" | "tokens" | "missing">>} Description
 */

/** Beyond that OpenAI's models scale images down by themselves. */
const MAX_SIDE = 2048;
/** A lossless image may have so many bytes; a larger one is compressed. */
const MAX_LOSSLESS = 1_500_000;
const QUALITY = 0.9;
/** Of a file, */
const MAX_BYTES = 50_000_000;
/** and of what is in it: all of it is drawn at once, four bytes to a pixel. */
const MAX_PIXELS = 100_000_000;
/** Documented for OpenAI's models: a token for each patch of so many pixels square, at most so many. */
const PATCH = 32;
const MAX_PATCHES = 1536;

/**
 * An image as it is attached. Of an animation it is the first picture.
 * @param {Blob} blob
 * @param {string} title  The file's name, or what it shows.
 * @param {string} [url]  Of the page that it shows.
 * @returns {Promise<{description: Description, content: string}>}  Rejects with words for the user.
 */
export async function imageAttachment(blob, title, url) {
  if (blob.size > MAX_BYTES) throw new Error(message("attachments_image_too_large", title, fileSize(MAX_BYTES)));
  const format = await formatOf(blob);
  if (!READ.includes(format)) throw new Error(refusal(title, format));
  const bitmap = await decode(blob, title);
  const scale = Math.min(1, MAX_SIDE / Math.max(bitmap.width, bitmap.height));
  const width = Math.max(1, Math.round(bitmap.width * scale));
  const height = Math.max(1, Math.round(bitmap.height * scale));
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error(message("attachments_image_not_drawn", title));
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, width, height);
  bitmap.close();
  const content = await dataUrl(await encode(canvas, context, format));
  const tokens = Math.min(Math.ceil(width / PATCH) * Math.ceil(height / PATCH), MAX_PATCHES);
  return { description: { kind: "image", title, ...(url ? { url } : {}), tokens, width, height }, content };
}

/**
 * @param {Blob} blob
 * @param {string} title
 */
async function decode(blob, title) {
  // Its size is known before anything of it is drawn.
  const { width = 0, height = 0 } = measure(new Uint8Array(await blob.arrayBuffer())) ?? {};
  if (width * height > MAX_PIXELS)
    throw new Error(message("attachments_image_too_many_pixels", title, MAX_PIXELS / 1e6));
  try {
    if (width > 0) return await createImageBitmap(blob);
  } catch {}
  throw new Error(message("attachments_image_damaged", title));
}

/**
 * A photo stays one; what is drawn or written stays sharp, unless that takes too much. WebP is left to what needs it:
 * not every server reads it.
 * @param {OffscreenCanvas} canvas
 * @param {OffscreenCanvasRenderingContext2D} context
 * @param {string} format
 */
async function encode(canvas, context, format) {
  if (format === "jpeg") return canvas.convertToBlob({ type: "image/jpeg", quality: QUALITY });
  const lossless = await canvas.convertToBlob({ type: "image/png" });
  if (lossless.size <= MAX_LOSSLESS) return lossless;
  const type = isOpaque(context) ? "image/jpeg" : "image/webp";
  const compressed = await canvas.convertToBlob({ type, quality: QUALITY });
  return compressed.size < lossless.size ? compressed : lossless;
}

/** @param {OffscreenCanvasRenderingContext2D} context */
function isOpaque(context) {
  const { data } = context.getImageData(0, 0, context.canvas.width, context.canvas.height);
  for (let at = 3; at < data.length; at += 4) if (data[at] < 255) return false;
  return true;
}

/** @param {Blob} blob @returns {Promise<string>} */
function dataUrl(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(/** @type {string} */ (reader.result));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });
}

const READ = ["png", "jpeg", "webp", "gif"];

/**
 * By the first bytes: a file's name and type may say anything.
 * @param {Blob} blob
 */
async function formatOf(blob) {
  const head = String.fromCharCode(...new Uint8Array(await blob.slice(0, 256).arrayBuffer()));
  if (head.startsWith("\x89PNG")) return "png";
  if (head.startsWith("\xff\xd8\xff")) return "jpeg";
  if (head.startsWith("GIF8")) return "gif";
  if (head.startsWith("RIFF") && head.slice(8, 12) === "WEBP") return "webp";
  if (/^ftyp(?:hei|hev|mif1|msf1|avif)/.test(head.slice(4))) return head.includes("avif") ? "AVIF" : "HEIC";
  return /^\s*(?:\xef\xbb\xbf)?\s*<(?:\?xml|svg|!--|!DOCTYPE svg)/i.test(head) ? "SVG" : "";
}

/** @param {string} title @param {string} format */
function refusal(title, format) {
  return format ? message("attachments_image_wrong_format", title, format) : message("attachments_no_image", title);
}
