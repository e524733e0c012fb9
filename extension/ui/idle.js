/**
 * Does what can wait until nothing more urgent is to be done.
 * @param {() => void} work
 */
export function whenIdle(work) {
  requestIdleCallback(work, { timeout: 1000 });
}
