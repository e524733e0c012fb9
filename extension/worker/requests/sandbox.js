/** Requests for the sandbox: Python code that the user runs, and diagrams. */

import { drawDiagram, joinPython, runningPython, runPython, stopPython } from "../sandbox.js";

/** @import { Handlers } from "./handler.js" */

/** @returns {Handlers<"RunPython" | "RunningPython" | "JoinPython" | "StopPython" | "DrawDiagram">} */
export function sandboxHandlers() {
  return {
    RunPython: async (request) => ({ run: await runPython(request) }),
    RunningPython: async ({ conversation }) => ({ codes: await runningPython(String(conversation)) }),
    JoinPython: ({ conversation, code }) => joinPython(String(conversation), String(code)),
    StopPython: async ({ conversation }) => {
      await stopPython(conversation);
      return {};
    },
    DrawDiagram: async ({ source, dark }) => ({ diagram: await drawDiagram(String(source), dark === true) }),
  };
}
