/** The one alarm, which wakes the worker when a queued message may be sent. Chrome keeps it while the worker sleeps. */

import { logError } from "../shared/log.js";

const NAME = "queue";

/**
 * Replace the alarm.
 * @param {number} at  Unix time in milliseconds; 0 for none.
 */
export function setAlarm(at) {
  const done = at ? chrome.alarms.create(NAME, { when: at }) : chrome.alarms.clear(NAME);
  done.catch((error) => logError("The alarm could not be set:", error));
}
