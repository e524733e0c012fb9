/** The ways in which images come into the panel: chosen as files, pasted, and dropped. */

import { text } from "../../shared/text.js";

/** @import {AttachMenu} from "./attach-menu.js" */
/** @import {AttachmentTray} from "./attachments.js" */

/**
 * @param {object} parts
 * @param {AttachmentTray} parts.tray
 * @param {AttachMenu} parts.menu
 * @param {HTMLInputElement} parts.picker
 * @param {HTMLTextAreaElement} parts.box
 */
export function takeImages({ tray, menu, picker, box }) {
  menu.add({ icon: "image", label: text("attach_image"), act: () => picker.click() });
  picker.addEventListener("change", () => {
    const files = [...(picker.files ?? [])];
    // The same file can be chosen once more.
    picker.value = "";
    tray.addFiles(files);
    box.focus();
  });
  box.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    // Office programs put a picture of the text beside it; the text is meant.
    if (files.length === 0 || event.clipboardData?.types.includes("text/plain")) return;
    event.preventDefault();
    tray.addFiles(files);
  });
  takeDrops(tray, box);
}

/**
 * Anywhere in the panel: a file that is dropped beside the box would take the panel's place.
 * @param {AttachmentTray} tray
 * @param {HTMLTextAreaElement} box
 */
function takeDrops(tray, box) {
  const hasFiles = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes("Files") ?? false;
  /** How deep in the page what is dragged is. */
  let depth = 0;
  const show = (/** @type {number} */ fresh) => {
    depth = Math.max(fresh, 0);
    document.body.classList.toggle("drops", depth > 0);
  };
  addEventListener("dragenter", (event) => hasFiles(event) && show(depth + 1));
  addEventListener("dragleave", (event) => hasFiles(event) && show(depth - 1));
  addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    if (event.dataTransfer) event.dataTransfer.dropEffect = isTaken() ? "copy" : "none";
  });
  addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    show(0);
    if (!isTaken()) return;
    tray.addFiles([...(event.dataTransfer?.files ?? [])]);
    box.focus();
  });
}

/** A dialog that is open hides the composer. */
function isTaken() {
  return document.querySelector("dialog[open]") === null;
}
