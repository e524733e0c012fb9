/** The states of a turn, and which of them are its last. Python has the same in `session/turn_status.py`. */

/** @import { TurnStatus } from "./protocol.js" */

/** A turn in one of these has yet to end. @type {readonly string[]} */
const UNFINISHED = ["queued", "running", "reconnecting"];

/** @type {readonly string[]} */
export const TURN_STATUSES = [...UNFINISHED, "completed", "incomplete", "failed", "interrupted", "stopped"];

/** Whether a turn of this status has yet to end. @param {TurnStatus | string} status */
export const isUnfinished = (status) => UNFINISHED.includes(status);
