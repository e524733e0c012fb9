/**
 * Drawing in slices. What is drawn in one task of the page shares a few milliseconds; the rest waits for the next
 * frames, so that the page answers the reader however much there is to draw.
 */

/** Milliseconds of drawing in one task. A frame has 16, and layout needs some of them. */
const BUDGET_MS = 10;
/**
 * Tables and many small blocks take longer to be laid out than to be drawn, so less is drawn after a frame that took
 * longer than this.
 */
const LONG_FRAME_MS = 40;
const LEAST_BUDGET_MS = 2;
/** A hidden page has no frames; its work continues after this time. */
const HIDDEN_MS = 100;

let budget = BUDGET_MS;
let deadline = 0;
/** The jobs of the next frames. Each is called until it returns false. @type {Set<() => boolean>} */
const jobs = new Set();
let isScheduled = false;

/**
 * Whether the task that runs may still draw.
 * @returns {boolean}
 */
export function hasTime() {
  const now = performance.now();
  if (deadline === 0) {
    deadline = now + budget;
    // Microtasks run when the task is over, as far as it is ours.
    queueMicrotask(() => {
      deadline = 0;
    });
  }
  return now < deadline;
}

/**
 * Calls a job in one of the next frames, and again as long as it returns true. The job that was added last is called
 * first, because the reader looks at the end of a conversation.
 * @param {() => boolean} job
 */
export function later(job) {
  jobs.add(job);
  schedule();
}

function schedule() {
  if (isScheduled) return;
  isScheduled = true;
  let isDone = false;
  const once = () => {
    if (isDone) return;
    isDone = true;
    isScheduled = false;
    run();
  };
  if (typeof requestAnimationFrame === "function") requestAnimationFrame(once);
  setTimeout(once, HIDDEN_MS);
}

function run() {
  const begin = performance.now();
  for (const job of [...jobs].reverse()) {
    if (!hasTime()) break;
    if (!job()) jobs.delete(job);
  }
  if (jobs.size === 0) return;
  schedule();
  // Comes after the layout of this frame.
  setTimeout(() => {
    const isLong = performance.now() - begin > LONG_FRAME_MS;
    budget = isLong ? Math.max(budget / 2, LEAST_BUDGET_MS) : Math.min(budget * 2, BUDGET_MS);
  });
}
