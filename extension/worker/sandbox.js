/**
 * The sandbox as the worker uses it: it runs a conversation's Python code, for the panel's "Run" button and for the
 * model's calls, and draws diagrams. The sandbox itself is in an offscreen document (`sandbox/`), which is created when
 * it is first needed.
 */

import { UserError } from "../shared/errors.js";
import { readHosts } from "../shared/hosts.js";
import { logError } from "../shared/log.js";
import { SANDBOX } from "../shared/protocol.js";
import { text } from "../shared/text.js";
import { withDiagramText, withRunText } from "./sandbox-texts.js";
import { networkOf } from "./storage/conversation-store.js";

/** @import { Diagram, PythonRun, SandboxRequest } from "../shared/protocol.js" */

const PAGE = "sandbox/offscreen.html";
const TIME_LIMIT_MS = 60_000;
const LONGEST_MS = 600_000;
const MEMORY_LIMIT_MB = 512;
const LARGEST_MB = 2_048;
/** More is no code that somebody wrote. */
const LONGEST_CODE = 1_000_000;
/** In characters. Mermaid's own limit is the same; it would draw a picture of its message. */
const LONGEST_DIAGRAM = 50_000;

/** @type {Promise<void> | undefined} */
let creating;

/**
 * The result comes once the code is done, or has been ended: by the time limit, by `stopPython`, or because it broke
 * its interpreter. Runs of one conversation wait for each other and share their variables.
 * @param {object} request
 * @param {string} request.conversation
 * @param {string} request.code
 * @param {number} [request.time_limit_ms]
 * @param {number} [request.memory_limit_mb]  Counts for a Python that is started by this run.
 * @returns {Promise<PythonRun>}
 */
export async function runPython({ conversation, code, time_limit_ms, memory_limit_mb }) {
  if (code.length > LONGEST_CODE) throw new UserError("invalid_request", text("run_code_too_long"));
  await ensureDocument();
  // This is read last: a change that is stored later reaches the sandbox later, too.
  const hosts = await hostsOf(conversation);
  const run = await ask({
    to: SANDBOX,
    type: "Run",
    conversation,
    code,
    hosts,
    time_limit_ms: within(time_limit_ms, TIME_LIMIT_MS, LONGEST_MS),
    memory_limit_mb: within(memory_limit_mb, MEMORY_LIMIT_MB, LARGEST_MB),
  });
  return withRunText(run);
}

/**
 * Draws a diagram that a model wrote.
 * @param {string} source  In Mermaid's language.
 * @param {boolean} dark  Light lines, for a dark background.
 * @returns {Promise<Diagram>}
 */
export async function drawDiagram(source, dark) {
  if (source.length > LONGEST_DIAGRAM) {
    return { error: text("diagram_too_long", source.length, LONGEST_DIAGRAM) };
  }
  await ensureDocument();
  return withDiagramText(await ask({ to: SANDBOX, type: "Draw", source, dark }));
}

/**
 * The settings of a conversation were stored: a Python that can reach more than they allow is ended.
 * @param {string} conversation
 */
export async function limitPython(conversation) {
  if (!(await hasDocument())) return;
  const hosts = await hostsOf(conversation);
  await ask({ to: SANDBOX, type: "Limit", conversation, hosts });
}

/**
 * What a conversation's Python may reach: what is stored of it is the one source, whoever runs the code.
 * @param {string} conversation
 */
async function hostsOf(conversation) {
  return readHosts((await networkOf(conversation)).join("\n")).hosts;
}

/**
 * What runs or waits in a conversation, whichever panel asked for it: it can be stopped from each.
 * @param {string} conversation
 * @returns {Promise<string[]>}  The codes.
 */
export async function runningPython(conversation) {
  return (await hasDocument()) ? (await ask({ to: SANDBOX, type: "Running", conversation })).codes : [];
}

/**
 * Waits for code that another panel has had run.
 * @param {string} conversation
 * @param {string} code
 * @returns {Promise<{run?: PythonRun}>}  Without a run when it is over.
 */
export async function joinPython(conversation, code) {
  const { run } = (await hasDocument()) ? await ask({ to: SANDBOX, type: "Join", conversation, code }) : {};
  return run ? { run: withRunText(run) } : {};
}

/**
 * Ends what runs in that conversation, with all its variables.
 * @param {string} conversation
 */
export async function stopPython(conversation) {
  if (await hasDocument()) await ask({ to: SANDBOX, type: "Stop", conversation });
}

/**
 * Ends the Python of a conversation that is gone, or of all.
 * @param {string} [conversation]
 */
export async function forgetPython(conversation) {
  if (!(await hasDocument())) return;
  await ask({ to: SANDBOX, type: "Forget", ...(conversation === undefined ? {} : { conversation }) });
}

/** Resolves when the offscreen document is there. */
async function ensureDocument() {
  if (await hasDocument()) return;
  creating ??= createDocument();
  await creating;
}

async function hasDocument() {
  const found = await chrome.runtime.getContexts({
    contextTypes: [/** @type {chrome.runtime.ContextType} */ ("OFFSCREEN_DOCUMENT")],
  });
  return found.length > 0 && creating === undefined;
}

async function createDocument() {
  try {
    await chrome.offscreen.createDocument({
      url: PAGE,
      reasons: [/** @type {chrome.offscreen.Reason} */ ("WORKERS")],
      justification:
        "Runs Python code that the user or a model wrote, in a sandboxed frame with a worker, and draws a model's diagrams in another one.",
    });
  } catch (error) {
    logError("The offscreen document could not be created:", error);
    throw new UserError("internal", text("run_sandbox_not_started"), text("error_try_again"));
  } finally {
    creating = undefined;
  }
}

/**
 * @param {SandboxRequest} request
 * @returns {Promise<any>}
 */
function ask(request) {
  return chrome.runtime.sendMessage(request);
}

/**
 * @param {number | undefined} value
 * @param {number} usual
 * @param {number} most
 */
function within(value, usual, most) {
  return value !== undefined && value > 0 ? Math.min(value, most) : usual;
}
