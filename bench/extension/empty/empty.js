/** The least that a worker can be: it answers as Sidestream's does when Python is ready. */

chrome.runtime.onConnect.addListener((port) => {
  port.onMessage.addListener(() => port.postMessage({ type: "Boot", state: "ready" }));
});
