/** What a handler of the pages' requests is, and what it needs, as types. */

/** @import { Refusal, Requests, RequestType } from "../../shared/requests.js" */

/**
 * Carries out one request. What it throws becomes the reply; Python's refusals are given as they come.
 * @template {RequestType} T
 * @typedef {(request: Requests[T]["request"]) => Promise<Requests[T]["reply"] | Refusal>} Handler
 */

/** @template {RequestType} T @typedef {{[Each in T]: Handler<Each>}} Handlers */

/**
 * What the handlers need of the application.
 * @typedef {object} Links
 * @property {(question: {type: string} & Record<string, unknown>) => Promise<any>} askPython  The reply of Python,
 *   which is started for it.
 * @property {() => Promise<void>} onProviderChange  Tells panels and Python who answers from now on.
 * @property {() => Promise<void>} onAccountChange  Forgets the limits of the account whose key or sign-in was replaced.
 * @property {() => Promise<void>} endPython  Ends Python for good, with what it has in memory.
 * @property {() => void} revivePython  Starts another one, for the panels that are open.
 * @property {() => Promise<Set<string>>} conversationsInUse  Those that panels show.
 * @property {(conversation: string) => Promise<void>} onDelete  A conversation was deleted.
 */

export {};
