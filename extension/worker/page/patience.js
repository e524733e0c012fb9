/** Waiting for others, for a limited time. */

/** In milliseconds. */
const TICK_MS = 1000;

/**
 * Waits for work, but not for longer than some ticks of a clock.
 *
 * The ticks are those that this worker could hear: one that has been busy for long (Python starts in it) finds the
 * answer and the end of the time waiting for it together, and must not take the answer for late.
 * @template T
 * @param {Promise<T>} work
 * @param {number} ticks  Of a second each, by default.
 * @param {() => Error} late  What it rejects with when they are over.
 * @param {number} [tickMs]
 * @returns {Promise<T>}
 */
export async function within(work, ticks, late, tickMs = TICK_MS) {
  /** @type {ReturnType<typeof setInterval> | undefined} */
  let timer;
  const end = new Promise((_, reject) => {
    let left = ticks;
    timer = setInterval(() => {
      left -= 1;
      if (left <= 0) reject(late());
    }, tickMs);
  });
  try {
    return /** @type {T} */ (await Promise.race([work, end]));
  } finally {
    clearInterval(timer);
  }
}
