/**
 * Long texts in boxes. What is pasted or dropped and long becomes an attachment, which costs the page nothing; what has
 * to be in a box all the same is kept cheap: a box that grows with its text measures all of it at each stroke.
 */

/** A text longer than that is looked at rather than read; others draw the line between 4,000 and 10,000 characters. */
const LONG_CHARACTERS = 10_000;
/** Or one of so many lines. */
const LONG_LINES = 200;
/** From so many characters on, a box has a fixed height and no spelling is checked. */
const HEAVY = 20_000;
/**
 * More than so many characters or lines go into a box without a place in its history of changes, which would take
 * seconds.
 */
const MAX_UNDO = 50_000;
const MAX_UNDO_LINES = 100;
const MAX_TITLE = 80;

/**
 * Whether a text becomes an attachment when it is pasted.
 * @param {string} text
 */
export function isLong(text) {
  return text.length > LONG_CHARACTERS || hasMoreLines(text, LONG_LINES);
}

/** @param {string} text @param {number} count */
function hasMoreLines(text, count) {
  let lines = 1;
  for (let at = text.indexOf("\n"); at >= 0 && lines <= count; at = text.indexOf("\n", at + 1)) lines += 1;
  return lines > count;
}

/**
 * What a text is called: its first line that says something.
 * @param {string} text
 */
export function titleOfText(text) {
  const [line = ""] = /\S[^\r\n]*/.exec(text) ?? [];
  const title = line
    .slice(0, 4 * MAX_TITLE)
    .replace(/\s+/g, " ")
    .trim();
  const letters = [...title];
  return letters.length > MAX_TITLE ? `${letters.slice(0, MAX_TITLE - 1).join("")}…` : title;
}

/** The scripts that are written from right to left. */
const RIGHT_TO_LEFT = /[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}]/u;

/**
 * Makes a box fit for the text that it is to hold.
 * @param {HTMLTextAreaElement} box
 * @param {string} text
 */
export function fitLongText(box, text) {
  const isHeavy = text.length > HEAVY;
  if (box.spellcheck === !isHeavy) return;
  box.classList.toggle("heavy", isHeavy);
  box.spellcheck = !isHeavy;
  // Left to the browser, the direction is found anew for each line that is put in: seconds.
  const [letter = ""] = /\p{L}/u.exec(text.slice(0, LONG_CHARACTERS)) ?? [];
  if (isHeavy) box.dir = RIGHT_TO_LEFT.test(letter) ? "rtl" : "ltr";
  else box.dir = "auto";
}

/**
 * Puts a text where the caret is, so that Ctrl+Z takes it away again where that is possible.
 * @param {HTMLTextAreaElement} box
 * @param {string} text
 */
export function insertText(box, text) {
  fitLongText(box, box.value + text);
  box.focus();
  const canUndo = text.length <= MAX_UNDO && !hasMoreLines(text, MAX_UNDO_LINES);
  if (canUndo && document.execCommand("insertText", false, text)) return;
  box.setRangeText(text, box.selectionStart, box.selectionEnd, "end");
  box.dispatchEvent(new Event("input", { bubbles: true }));
}

/**
 * Listens for long texts that are pasted into a box, or dropped there.
 * @param {HTMLTextAreaElement} box
 * @param {(text: string) => (() => void) | undefined} take  Makes an attachment of it and answers how to undo that, or
 *   does not.
 */
export function takeLongTexts(box, take) {
  /** Ctrl+Shift+V says that the text itself is wanted. */
  let isPlain = false;
  /** Undoes the last paste, as long as nothing else has been done. @type {(() => void) | undefined} */
  let undo;
  box.addEventListener("input", () => {
    undo = undefined;
  });
  box.addEventListener("keydown", (event) => {
    const isCommand = event.ctrlKey || event.metaKey;
    const key = event.key.toLowerCase();
    isPlain = isCommand && event.shiftKey && key === "v";
    if (!undo || !isCommand || event.shiftKey || event.altKey || key !== "z") return;
    event.preventDefault();
    undo();
    undo = undefined;
  });
  box.addEventListener("keyup", () => {
    isPlain = false;
  });
  box.addEventListener("paste", (event) => receive(event, event.clipboardData));
  box.addEventListener("drop", (event) => receive(event, event.dataTransfer));

  /** @param {Event} event @param {DataTransfer | null} data */
  function receive(event, data) {
    const text = data?.getData("text/plain").replace(/\r\n?/g, "\n") ?? "";
    const wantsText = isPlain && event.type === "paste";
    isPlain = false;
    if (!text || event.defaultPrevented) return;
    undo = !wantsText && isLong(text) ? take(text) : undefined;
    if (undo) event.preventDefault();
    else if (event.type === "paste" && (text.length > MAX_UNDO || hasMoreLines(text, MAX_UNDO_LINES))) {
      event.preventDefault();
      insertText(box, text);
    }
  }
}
