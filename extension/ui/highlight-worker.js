/** Highlights code in a worker, so that the page stays responsive and can end the worker when it takes too long. */

import { colour, loadLanguage } from "./code-colours.js";

addEventListener("message", async ({ data: { module, text } }) => {
  try {
    const highlighter = await loadLanguage(module);
    // The page measures the time from here on, since loading a language is not the code's fault.
    postMessage({ type: "Begun" });
    postMessage({ type: "Done", ranges: colour(highlighter, module, text) });
  } catch (error) {
    postMessage({ type: "Failed", reason: String(error) });
  }
});
