/**
 * The offscreen document: holds the sandboxed frames in which the conversations' Python runs, so that it needs no open
 * panel and outlives the worker, and the one in which diagrams are drawn. Only the service worker speaks to it
 * (`worker/sandbox.js`).
 */

import { SANDBOX } from "../shared/protocol.js";
import { isWorker } from "../shared/sender.js";
import { draw } from "./diagrams.js";
import { Interpreter } from "./interpreter.js";

/** @import { RawRun, SandboxRequest } from "../shared/protocol.js" */
/** @import { End } from "./interpreter.js" */

/**
 * At most this number of conversations have a Python at the same time; the one that was unused for the longest time is
 * ended for a new one.
 */
const MOST_INTERPRETERS = 3;
/** A Python is ended when it was not used for this time, because it holds some 100 MB. */
const IDLE_MS = 30 * 60_000;

/** By conversation, the one used last at the end. @type {Map<string, Interpreter>} */
const interpreters = new Map();
/**
 * Conversations whose Python was ended between two runs, and why, until the next run reports it.
 * @type {Map<string, "evicted" | "new_hosts">}
 */
const lost = new Map();
/** The hosts that each conversation's Python may reach, as the worker sent them last. @type {Map<string, string[]>} */
const allowed = new Map();
/**
 * What runs or waits, for panels that did not ask for it.
 * @type {Set<{conversation: string, code: string, result: Promise<RawRun>}>}
 */
const underWay = new Set();
/** @type {Map<string, ReturnType<typeof setTimeout>>} */
const idle = new Map();

chrome.runtime.onMessage.addListener((/** @type {SandboxRequest} */ request, sender, sendResponse) => {
  if (request?.to !== SANDBOX || !isWorker(sender)) return false;
  switch (request.type) {
    case "Run":
      limit(request);
      track(request).then(sendResponse);
      return true;
    case "Running": {
      const { conversation } = request;
      sendResponse({
        codes: [...underWay].filter((each) => each.conversation === conversation).map(({ code }) => code),
      });
      return false;
    }
    case "Join": {
      const joined = [...underWay].find(
        ({ conversation, code }) => conversation === request.conversation && code === request.code,
      );
      if (!joined) break;
      joined.result.then((result) => sendResponse({ run: result }));
      return true;
    }
    case "Draw":
      draw(request.source, request.dark).then(sendResponse);
      return true;
    case "Limit":
      limit(request);
      break;
    case "Stop":
      end(request.conversation, "stopped");
      break;
    case "Forget":
      for (const conversation of request.conversation === undefined
        ? [...interpreters.keys()]
        : [request.conversation]) {
        end(conversation, "stopped");
        lost.delete(conversation);
        allowed.delete(conversation);
      }
      break;
  }
  sendResponse({});
  return false;
});

/**
 * A Python that could reach more than is allowed now is ended, whatever it does.
 * @param {Pick<Extract<SandboxRequest, {type: "Limit"}>, "conversation" | "hosts">} request
 */
function limit({ conversation, hosts }) {
  allowed.set(conversation, hosts);
  const known = interpreters.get(conversation)?.hosts ?? [];
  if (known.some((host) => !hosts.includes(host))) end(conversation, "hosts");
}

/**
 * @param {Extract<SandboxRequest, {type: "Run"}>} request
 * @returns {Promise<RawRun>}
 */
async function track(request) {
  const { conversation, code } = request;
  const entry = { conversation, code, result: run(request) };
  underWay.add(entry);
  try {
    return await entry.result;
  } finally {
    underWay.delete(entry);
  }
}

/**
 * @param {Extract<SandboxRequest, {type: "Run"}>} request
 * @returns {Promise<RawRun>}
 */
async function run(request) {
  const { conversation, code, time_limit_ms, memory_limit_mb } = request;
  clearTimeout(idle.get(conversation));
  for (let stale = outdated(conversation); stale; stale = outdated(conversation)) {
    // No host was removed, so what runs may continue.
    await stale.idle();
    if (interpreters.get(conversation) === stale) end(conversation, "hosts");
  }
  const hosts = allowed.get(conversation) ?? [];
  const interpreter = interpreters.get(conversation) ?? makeRoom(new Interpreter(memory_limit_mb * 2 ** 20, hosts));
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
  const reason = lost.get(conversation);
  lost.delete(conversation);
  return /** @type {RawRun} */ (reason ? { ...result, [reason]: true } : result);
}

/**
 * The Python of a conversation whose list of hosts has changed since it was started.
 * @param {string} conversation
 */
function outdated(conversation) {
  const interpreter = interpreters.get(conversation);
  return String(interpreter?.hosts) === String(allowed.get(conversation)) ? undefined : interpreter;
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
  // Who waits for a run learns it from its result.
  if (reason === "evicted") lost.set(conversation, "evicted");
  else if (reason === "hosts" && !interpreter.pending) lost.set(conversation, "new_hosts");
  interpreter.end(reason, reason === "hosts" ? { code: "host_removed" } : undefined);
}
