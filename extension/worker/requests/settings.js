/** Requests about providers: their profiles, keys and sign-ins. */

import { plural } from "../../shared/text.js";
import { forgetEverything } from "../reset.js";
import { forgetPython } from "../sandbox.js";
import { describeSettings, trialConnection } from "../settings/connections.js";
import { exclusively } from "../settings/profile-store.js";
import * as settings from "../settings/settings.js";

/** @import { SettingsView } from "../../shared/requests.js" */
/** @import { Handlers, Links } from "./handler.js" */

/**
 * @param {Links} links
 * @returns {Handlers<"LoadSettings" | "SaveProfile" | "RemoveProfile" | "ActivateProfile" | "ImportAuthJson" |
 *   "ExportSettings" | "ImportSettings" | "ResetEverything" | "TestConnection" | "ListModels" | "DescribeModel">}
 */
export function settingsHandlers({ askPython, onProviderChange, onAccountChange, endPython, revivePython }) {
  /** Informs panels and Python, and replies with what is stored now. */
  const changed = async () => {
    await onProviderChange();
    return settingsView();
  };
  return {
    LoadSettings: settingsView,
    SaveProfile: async ({ profile, api_key, passphrase }) => {
      const id = await settings.saveProfile(profile, api_key, passphrase);
      if (api_key !== undefined) await onAccountChange();
      return { ...(await changed()), profile_id: id };
    },
    RemoveProfile: async ({ id }) => {
      await settings.removeProfile(id);
      return changed();
    },
    ActivateProfile: async ({ id }) => {
      await settings.activateProfile(id);
      return changed();
    },
    ImportAuthJson: async ({ text }) => {
      const [id] = await settings.importAuthJson(text);
      await onAccountChange();
      return { ...(await changed()), profile_id: id };
    },
    ExportSettings: () => settings.exportSettings(),
    ImportSettings: async ({ text, seen }) => {
      const { added, of, brings, left_out = [] } = await settings.importSettings(text, seen);
      if (brings) return { brings_profiles: brings, left_out };
      const message = plural(added < of ? "profiles_added_rest_there" : "profiles_added", of, added);
      return { ...(await changed()), message, left_out };
    },
    ResetEverything: async () => {
      await endPython();
      await forgetPython();
      await exclusively(forgetEverything);
      revivePython();
      return changed();
    },
    TestConnection: async ({ settings: tried, api_key, profile_id }) => {
      const connection = await trialConnection(tried, api_key, profile_id, { modelNeeded: true });
      return askPython({ type: "TestConnection", connection });
    },
    ListModels: async ({ settings: tried, api_key, profile_id }) => {
      const connection = await trialConnection(tried, api_key, profile_id);
      return askPython({ type: "ListModels", connection });
    },
    DescribeModel: (request) => askPython({ type: "DescribeModel", settings: request.settings }),
  };
}

/** @returns {Promise<SettingsView>} */
async function settingsView() {
  const description = await describeSettings();
  const active = description.profiles.find(({ id }) => id === description.active);
  return { ...description, settings: active?.settings ?? null, has_key: active?.has_key ?? false };
}
