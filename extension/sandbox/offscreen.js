/**
 * The offscreen document: holds the sandboxed frames in which the conversations' Python runs, so that it needs no open panel and outlives the
 * worker. Only the service worker speaks to it (`runtime/sandbox.js`).
 */

import { SANDBOX } from "../protocol.js";
import { Interpreter } from "./interpreter.js";

/** @import { PythonRun, SandboxRequest } from "../protocol.js" */
/** @import { End } from "./interpreter.js" */

/** So many conversations have a Python at the same time; the one that was not used for longest makes room. */
const MOST_INTERPRETERS = 3;
/** A Python that nobody used for so long is ended: it holds some 100 MB. */
const IDLE_MS = 30 * 60_000;

/** By conversation, the one used last at the end. @type {Map<string, Interpreter>} */
const interpreters = new Map();
/** Conversations whose Python was ended unasked, until their next run tells. @type {Set<string>} */
const evicted = new Set();
/** @type {Map<string, ReturnType<typeof setTimeout>>} */
const idle = new Map();

chrome.runtime.onMessage.addListener((/** @type {SandboxRequest} */ request, sender, sendResponse) => {
  if (request?.to !== SANDBOX || sender.id !== chrome.runtime.id) return false;
  switch (request.type) {
    case "Run":
      run(request).then(sendResponse);
      return true;
    case "Stop":
      end(request.conversation, "stopped");
      break;
    case "Forget":
      for (const conversation of request.conversation === undefined
        ? [...interpreters.keys()]
        : [request.conversation]) {
        end(conversation, "stopped");
        evicted.delete(conversation);
      }
      break;
  }
  sendResponse({});
  return false;
});

/**
 * @param {Extract<SandboxRequest, {type: "Run"}>} request
 * @returns {Promise<PythonRun>}
 */
async function run(request) {
  const { conversation, code, time_limit_ms, memory_limit_mb } = request;
  clearTimeout(idle.get(conversation));
  const interpreter = interpreters.get(conversation) ?? makeRoom(new Interpreter(memory_limit_mb * 2 ** 20));
  interpreters.delete(conversation);
  interpreters.set(conversation, interpreter);
  const result = await interpreter.run(code, time_limit_ms);
  if (interpreter.ended) {
    if (interpreters.get(conversation) === interpreter) interpreters.delete(conversation);
    return result ?? run(request);
  }
  clearTimeout(idle.get(conversation));
  idle.set(
    conversation,
    setTimeout(() => interpreter.pending || end(conversation, "evicted"), IDLE_MS),
  );
  return /** @type {PythonRun} */ (evicted.delete(conversation) ? { ...result, evicted: true } : result);
}

/**
 * @param {Interpreter} fresh
 * @returns {Interpreter}
 */
function makeRoom(fresh) {
  for (const [conversation, { pending }] of interpreters) {
    if (interpreters.size < MOST_INTERPRETERS) break;
    if (!pending) end(conversation, "evicted");
  }
  return fresh;
}

/**
 * @param {string} conversation
 * @param {End} reason
 */
function end(conversation, reason) {
  clearTimeout(idle.get(conversation));
  idle.delete(conversation);
  const interpreter = interpreters.get(conversation);
  if (!interpreter) return;
  interpreters.delete(conversation);
  interpreter.end(reason);
  if (reason === "evicted") evicted.add(conversation);
}
