/**
 * Strokes of Enter and Escape, and whose they are. An input method (for Japanese, Chinese, Korean, and for dead keys)
 * uses the same keys to take or to drop what it proposes; then they mean nothing to the page.
 */

/** What a stroke reports that an input method has taken. */
const TAKEN = 229;
/**
 * Some input methods end their composition before they hand over the stroke that ended it, and that one then looks like
 * any other. It was pressed at about the same time: no user presses a key again within this number of milliseconds.
 */
const SAME_STROKE_MS = 2;

/** When the last composition ended, on the clock of events. */
let endedAt = Number.NEGATIVE_INFINITY;

/**
 * Whether a stroke belongs to an input method.
 * @param {KeyboardEvent} event
 */
export function isComposing(event) {
  return event.isComposing || event.keyCode === TAKEN || event.timeStamp - endedAt < SAME_STROKE_MS;
}

/**
 * Whether this stroke means that the message in the box is to be sent. Shift and Alt break the line.
 * @param {KeyboardEvent} event
 */
export function isSendKey(event) {
  return event.key === "Enter" && !event.shiftKey && !event.altKey && !isComposing(event);
}

/**
 * Keeps strokes of Enter and Escape that belong to an input method from everything on the page: its own listeners,
 * forms that are sent by Enter, and dialogs that are closed by Escape. The input method has had them by then.
 * @param {Window} [page]
 */
export function guardComposition(page = window) {
  page.addEventListener(
    "compositionend",
    (event) => {
      endedAt = event.timeStamp;
    },
    true,
  );
  page.addEventListener(
    "keydown",
    (event) => {
      if ((event.key !== "Enter" && event.key !== "Escape") || !isComposing(event)) return;
      event.stopImmediatePropagation();
      event.preventDefault();
    },
    true,
  );
}
