/** Export of the settings, and the reset of everything that is stored. */

import { list, text } from "../shared/text.js";
import { save } from "../ui/save.js";
import { complain, during, say } from "./messages.js";

/** @import {SettingsView} from "../shared/requests.js" */
/** @import {Ask} from "./ask.js" */
/** @import {Confirmed} from "./question.js" */

/** @param {Ask} ask */
export async function exportSettings(ask) {
  await during(text("options_exporting"), async () => {
    const reply = await ask({ type: "ExportSettings" });
    if (!reply.ok) return complain(reply.error);
    save("sidestream-settings.json", new Blob([reply.text ?? ""], { type: "application/json" }));
    const leftOut = reply.left_out ?? [];
    if (leftOut.length === 0) say(text("options_exported"));
    else say(text("options_exported_without", list(leftOut)));
  });
}

/**
 * @param {{ask: Ask, confirmed: Confirmed, onReset: (stored: SettingsView) => void}} parts
 */
export async function resetEverything({ ask, confirmed, onReset }) {
  const [title, loss] = [text("options_reset_title"), text("options_reset_text")];
  if (!(await confirmed(title, loss, text("options_reset_confirm")))) return;
  await during(text("options_resetting"), async () => {
    const reply = await ask({ type: "ResetEverything" });
    if (!reply.ok) return complain(reply.error);
    localStorage.clear();
    onReset(reply);
    say(text("options_reset_done"));
  });
}
