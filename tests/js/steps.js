/**
 * How much work a piece of JavaScript is, in steps: how often its blocks were run, as V8 counts them. No clock is
 * involved.
 */

import { Session } from "node:inspector";

const session = new Session();
session.connect();

/** @param {string} method @param {object} [parameters] @returns {any} */
function post(method, parameters) {
  /** @type {any} */
  let answer;
  // In the same process the answer is there at once.
  session.post(method, parameters, (error, result) => {
    if (error) throw error;
    answer = result;
  });
  return answer;
}

post("Profiler.enable");
// From before anything is loaded: what was compiled without counters is not counted.
post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });

/**
 * @param {() => unknown} work
 * @returns {number}  How many blocks of the extension and of the libraries that it packs were run.
 */
export function stepsOf(work) {
  post("Profiler.takePreciseCoverage");
  work();
  const { result } = post("Profiler.takePreciseCoverage");
  let steps = 0;
  for (const { url, functions } of result) {
    if (!/\/(?:extension|node_modules)\//.test(url)) continue;
    for (const { ranges } of functions) for (const { count } of ranges) steps += count;
  }
  return steps;
}
