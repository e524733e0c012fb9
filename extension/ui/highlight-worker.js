/** Colours code away from the page, which can end this worker when it takes too long. */

import { colour, loadLanguage } from "./code-colours.js";

addEventListener("message", async ({ data: { module, text } }) => {
  try {
    const highlighter = await loadLanguage(module);
    // The time counts from here.
    postMessage({ type: "Begun" });
    postMessage({ type: "Done", ranges: colour(highlighter, module, text) });
  } catch (error) {
    postMessage({ type: "Failed", reason: String(error) });
  }
});
