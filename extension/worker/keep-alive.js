/**
 * Chrome ends a service worker 30 s after the last extension API call or event; reading a stream does not count, nor
 * does an open port. While somebody holds the worker, it makes such a call often enough; when the last one lets go, it
 * stops.
 */

const INTERVAL_MS = 15_000;
/** A call costs a millisecond, so none is made for who takes hold this soon after one; the next is made in time. */
const RECENT_MS = 5_000;

let holders = 0;
let touchedAt = Number.NEGATIVE_INFINITY;
/** @type {ReturnType<typeof setInterval> | undefined} */
let timer;

function touch() {
  touchedAt = Date.now();
  chrome.runtime.getPlatformInfo().catch(() => {});
}

/**
 * Keep the worker awake until the returned function is called. Calling that more than once does no harm.
 * @returns {() => void}
 */
export function holdAwake() {
  let held = true;
  holders += 1;
  if (holders === 1) {
    if (Date.now() - touchedAt > RECENT_MS) touch();
    timer = setInterval(touch, INTERVAL_MS);
  }
  return () => {
    if (!held) return;
    held = false;
    holders -= 1;
    if (holders === 0) clearInterval(timer);
  };
}

/**
 * Keep the worker awake until the promise settles.
 * @template T
 * @param {Promise<T>} promise
 */
export function awakeDuring(promise) {
  return promise.finally(holdAwake());
}
