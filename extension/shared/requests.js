/**
 * The one-shot requests of the pages, which `chrome.runtime.sendMessage` carries to the worker, each with its reply.
 * The worker answers them with one handler each (`worker/requests/`).
 */

/**
 * @import {
 *   Attachment, Brought, ConversationSummary, DayUsage, Diagram, ModelFacts, PageText, ProfileView, PythonRun,
 *   Settings, Shown, StorageUse, TurnError,
 * } from "./protocol.js"
 */

/**
 * A new secret. `api_key` undefined keeps the stored key, "" removes it. `passphrase` undefined keeps the protection of
 * all keys as it is, "" removes it, anything else wraps the keys with it.
 * @typedef {{api_key?: string, passphrase?: string}} SecretChange
 */

/**
 * What is stored about providers: the reply to everything that changes it.
 * @typedef {object} SettingsView
 * @property {ProfileView[]} profiles
 * @property {string | null} active  Null before the first save.
 * @property {boolean} protected  A passphrase is set.
 * @property {boolean} locked
 * @property {boolean} demo
 * @property {Settings | null} settings  Of the active profile.
 * @property {boolean} has_key  Of the active profile.
 */

/**
 * Settings to be tried without being stored. Without an `api_key`, the stored one of `profile_id` is used: undefined
 * stands for the active profile, null for none.
 * @typedef {{settings: Settings, api_key?: string, profile_id?: string | null}} Trial
 */

/** @typedef {{}} Nothing */

/**
 * By the type of the request: what it holds, and what a successful reply holds.
 *
 * - `SaveProfile` without an id makes another profile. `profile_id` in a reply is the one that was saved or imported.
 * - `ImportAuthJson` takes a Codex `auth.json`: its tokens become the sign-in of a profile, its `OPENAI_API_KEY` the
 *   key of one.
 * - `ExportSettings` gives a file as `text`; `left_out` names the headers and query parameters that may be secret.
 * - `ImportSettings` takes such a file. Where it brings new profiles with instructions, nothing is imported and
 *   `brings_profiles` has them, until the request says that the user has `seen` them.
 * - `DescribeModel` says what is known of the settings' model, and asks no server.
 * - `ListConversations` gives one page, the latest first, and the offset of the `next`; `pending` counts the
 *   conversations that a search could not look through yet.
 * - `RenameConversation` with an empty title gives back the one that the conversation had of itself.
 * - `DeleteConversation` can be undone until `undo_until`, Unix time in milliseconds.
 * - `ExportConversations` gives `files`; when there is more than a message can hold, also `next`, from where to ask
 *   again, and how many were `unreadable`.
 * - `ImportConversations` says how many were `imported`, and `skipped` because they were there. Where the file brings
 *   instructions and the request does not say what to do with them, nothing is imported, and `brings` says what they
 *   are.
 * - `FreeStorage` deletes for good what was not used since `older_than`, but never a conversation that is shown.
 * - `UsageByDay` gives the days on which something was used, the oldest first, with one entry for each model.
 * - `KeepAttachment` keeps what the user will send, `DropAttachment` forgets it; once sent it belongs to the
 *   conversation.
 * - `LoadShown` gives the figures and files of the block at that place of a turn.
 * - `RunPython` replies when the code is done or was ended. `RunningPython` gives the code that runs or waits in a
 *   conversation, and `JoinPython` the run of one of them, or nothing when it is over. `StopPython` ends what runs
 *   there.
 * - `ReadPage` gives the page that a window shows, what is selected in it, or a PNG of what is in view as a `data:` URL
 *   (and the page without its text). An error of kind `permission` says that the user has not let Sidestream read it.
 *   `granted` says that the user has just clicked on the extension's icon: what is refused then is refused for good.
 *
 * @typedef {object} Requests
 * @property {{request: Nothing, reply: SettingsView}} LoadSettings
 * @property {{request: {profile: {id?: string, settings: Settings}} & SecretChange, reply: SettingsView & {profile_id:
 *   string}}} SaveProfile
 * @property {{request: {id: string}, reply: SettingsView}} RemoveProfile
 * @property {{request: {id: string}, reply: SettingsView}} ActivateProfile
 * @property {{request: {text: string}, reply: ImportedSettings}} ImportAuthJson
 * @property {{request: Nothing, reply: {text: string, left_out: string[]}}} ExportSettings
 * @property {{request: {text: string, seen?: boolean}, reply: ImportedSettings}} ImportSettings
 * @property {{request: Nothing, reply: SettingsView}} ResetEverything
 * @property {{request: Trial, reply: {message: string}}} TestConnection
 * @property {{request: Trial, reply: {models: string[]}}} ListModels
 * @property {{request: {settings: Settings}, reply: {described: ModelFacts}}} DescribeModel
 * @property {{request: Nothing, reply: {text: string}}} LoadLog
 * @property {{request: Nothing, reply: Nothing}} ClearLog
 * @property {{request: {query?: string, offset?: number, limit?: number}, reply: ConversationPage}} ListConversations
 * @property {{request: {id: string, title: string}, reply: Nothing}} RenameConversation
 * @property {{request: {id: string}, reply: {undo_until: number}}} DeleteConversation
 * @property {{request: {id: string}, reply: Nothing}} UndoDelete
 * @property {{request: {ids?: string[], format: "json" | "markdown", from?: number}, reply: ExportedConversations}}
 *   ExportConversations
 * @property {{request: {text: string, instructions?: "with" | "without"}, reply: ImportedConversations}}
 *   ImportConversations
 * @property {{request: Nothing, reply: {storage: StorageUse}}} StorageUse
 * @property {{request: {older_than: number}, reply: {deleted: number}}} FreeStorage
 * @property {{request: {days: number}, reply: {days: DayUsage[]}}} UsageByDay
 * @property {{request: {attachment: Attachment, content: string}, reply: Nothing}} KeepAttachment
 * @property {{request: {id: string, conversation?: string}, reply: {content: string}}} LoadAttachment
 * @property {{request: {id: string}, reply: Nothing}} DropAttachment
 * @property {{request: {conversation: string, turn: string, block: number}, reply: {shown: Shown}}} LoadShown
 * @property {{request: Code & {time_limit_ms?: number, memory_limit_mb?: number}, reply: {run: PythonRun}}} RunPython
 * @property {{request: {conversation: string}, reply: {codes: string[]}}} RunningPython
 * @property {{request: Code, reply: {run?: PythonRun}}} JoinPython
 * @property {{request: {conversation: string}, reply: Nothing}} StopPython
 * @property {{request: {source: string, dark: boolean}, reply: {diagram: Diagram}}} DrawDiagram
 * @property {{request: PageRequest, reply: {page: PageText, image?: string}}} ReadPage
 */

/**
 * @typedef {{conversation: string, code: string}} Code
 * @typedef {{what: "page" | "selection" | "screenshot", window?: number, granted?: boolean}} PageRequest
 * @typedef {{conversations: ConversationSummary[], next?: number, pending?: number}} ConversationPage
 * @typedef {{files: {name: string, text: string}[], next?: number, unreadable?: number}} ExportedConversations
 * @typedef {{imported: number, skipped: number, brings?: Brought[]}} ImportedConversations
 * @typedef {(SettingsView & {profile_id?: string, message?: string, left_out?: string[], brings_profiles?: undefined})
 *   | {brings_profiles: Settings[], left_out: string[]}} ImportedSettings
 */

/** @typedef {keyof Requests} RequestType */

/**
 * A request as it is sent.
 * @template {RequestType} [T=RequestType]
 * @typedef {{[Each in T]: {type: Each} & Requests[Each]["request"]}[T]} Request
 */

/** @typedef {{ok: false, error: TurnError}} Refusal */

/**
 * The reply to a request as it is sent.
 * @template {RequestType} [T=RequestType]
 * @typedef {({ok: true} & Requests[T]["reply"]) | Refusal} Reply
 */

export {};
