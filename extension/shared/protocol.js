/**
 * Every message that crosses the border between the pages and the service worker, as types.
 *
 * The panel holds one port, named {@link PANEL_PORT}. It sends {@link PanelCommand}s and receives
 * {@link PanelMessage}s. For all else the pages use one-shot requests; see `requests.js`.
 * Fields that cross from Python keep their Python names (snake_case).
 */

export const PANEL_PORT = "panel";

/** Marks what the worker says to the offscreen document. */
export const SANDBOX = "sandbox";

/** Marks what the worker says to open panels apart from their ports, which close with an idle worker. */
export const PANELS = "panels";

/**
 * A `ResponseEvent` as JSON; see `pysrc/sidestream/types/events.py`. `type` is the variant's name.
 * @typedef {{type: string} & Record<string, any>} ResponseEvent
 */

/**
 * One piece of an answer, in the order of appearance. The worker and the panel build the same list from the same events
 * (`session/turn_reducer.py` and `shared/turn.js`), so a panel that joins late sees what an early one sees.
 * @typedef {object} Block
 * @property {"text" | "reasoning" | "refusal" | "tool"} kind
 * @property {string} text  Markdown for `text` and `reasoning`; arguments or input for `tool`.
 * @property {string} [name]  A tool's name.
 * @property {string} [item_id]
 * @property {string} [call_id]
 * @property {string} [status]  A tool's progress as the provider names it. For a call that is carried out here, it says
 *   how the call ended: `completed`, `refused`, `ended_early`, `not_carried_out`, `not_run`.
 * @property {Source[]} [citations]
 * @property {boolean} [asks]  The call waits for the user's approval.
 * @property {boolean} [begun]  The call is being carried out.
 * @property {string} [output]  What a call gave.
 * @property {boolean} [failed]  That is why it could not be done.
 * @property {number} [duration_ms]
 * @property {Shown} [shown]  What a call has to show beside its output. Of a call of the provider's own tools it is
 *   made of the finished item (`tool-results.js`), and left out of `Turn` messages.
 * @property {boolean} open  Still growing. A `Reconnecting` event without `resumes` removes the open blocks.
 */

/**
 * What an answer or a call goes back to: a page by its address, or a file by its name.
 * @typedef {{url?: string, title?: string}} Source
 */

/**
 * @typedef {object} Shown
 * @property {Figure[]} [figures]
 * @property {RunFile[]} [files]
 * @property {Source[]} [sources]
 * @property {boolean} [held_back]  Figures and files that no message had room for; `LoadShown` gives them.
 */

/**
 * A message of Python's catalogue (`sidestream.texts`), beside the field with its English sentence, under the same name
 * with `_text`.
 * @typedef {object} MessageText
 * @property {string} key
 * @property {Record<string, string | number | MessageText | {ms: number} | {at: number}>} [parameters]  Numbers, names,
 *   other messages, spans of time and moments (Unix time in seconds).
 */

/**
 * @typedef {object} TurnError
 * @property {string} kind  An `ErrorKind` of `pysrc/sidestream/errors.py`.
 * @property {string} message  What happened.
 * @property {MessageText} [message_text]  Its key and parameters, if Python made it.
 * @property {string} [hint]  What the user can do.
 * @property {MessageText} [hint_text]
 * @property {boolean} [retryable]
 * @property {number} [retry_after_ms]
 * @property {number} [status]  HTTP status.
 * @property {string} [request_id]
 * @property {string} [server_code]  The server's own code.
 * @property {string} [server_message]  The server's own message.
 * @property {string} [param]  The parameter or item that the server names.
 * @property {string} [field]  The setting that it is about, and in `code` what is wrong with it; see
 *   `shared/profile-schema.js`.
 * @property {string} [code]
 * @property {ErrorDetails} [details]  What helps a report, redacted. Kept with the turn, and in no exported file.
 * @property {keyof ToolLimits} [limit]  Which of the user's limits has ended the turn.
 */

/**
 * What was asked of whom when an error came. All of it may be missing.
 * @typedef {object} ErrorDetails
 * @property {string} [provider]  Its name.
 * @property {string} [origin]  Scheme, host and port.
 * @property {string} [model]
 * @property {string} [wire_api]
 * @property {string} [request_id]
 * @property {number} [status]
 * @property {string} [finish_reason]
 * @property {number} [attempts]  How often it was asked.
 * @property {string[]} [notices]
 * @property {string} [version]  Of the Python core.
 * @property {ErrorExchange} [exchange]
 */

/**
 * The last exchange with the server, without its secrets.
 * @typedef {object} ErrorExchange
 * @property {string} [method]
 * @property {string} [url]  Without its query.
 * @property {Record<string, string>} [request_headers]
 * @property {string} [request_body]
 * @property {number} [status]
 * @property {Record<string, string>} [response_headers]
 * @property {string} [response_body]
 */

/**
 * What goes with a message: a page or a part of one, an image, or a long text. Its content (text, or the image as a
 * `data:` URL) is stored apart, under the conversation's id and its own; see `shared/storage/attachments.js`.
 * @typedef {object} Attachment
 * @property {string} id  Made by the panel.
 * @property {"page" | "selection" | "image" | "text"} kind  `text`: what the user has pasted.
 * @property {string} title  Of the page, the file's name, or the first line of a pasted text.
 * @property {string} [url]  The page's address.
 * @property {number} tokens  What it takes of the context window, estimated.
 * @property {number} size  In characters of the content.
 * @property {number} [width]  Of an image as it is sent, in pixels.
 * @property {number} [height]
 * @property {string} [missing]  Of a page that is not whole: one sentence that says what was left out and why. It is
 *   sent with the text.
 */

/**
 * @typedef {"queued" | "running" | "reconnecting" | "completed" | "incomplete" | "failed" | "interrupted" | "stopped"}
 *   TurnStatus
 */

/**
 * @typedef {object} Turn
 * @property {string} id
 * @property {string} user  What the user wrote; empty in a compaction.
 * @property {Attachment[]} [attachments]  What went with it.
 * @property {number} created_at  Unix time in milliseconds.
 * @property {TurnStatus} status
 * @property {string} [model]
 * @property {Block[]} blocks  The answer so far.
 * @property {TurnError} [error]
 * @property {Usage} [usage]
 * @property {string[]} [notices]  What the user should know of the answer, each once ("Sent without stream_options,
 *   …").
 * @property {string} [finish_reason]  Why the model stopped, as the server names it.
 * @property {string} [notice]  What the turn is waiting for ("Reconnecting 1/5 in 2 s: ..."), while it waits.
 * @property {Waiting} [waiting]  Set while the turn is queued.
 * @property {string} [parent]  The turn before it.
 * @property {string[]} [siblings]  The turns that stand at this place in the branches of the conversation, itself
 *   included, in the order in which they were made; only where there are several.
 * @property {"compaction"} [kind]  A compaction: the answer is a summary, which the requests after it hold in place of
 *   what was before.
 * @property {("continue" | "compact")[]} [actions]  What helps on after it ended badly, beside "Retry": to have it
 *   written on, or the conversation summarised and then to retry.
 */

/**
 * What a queued turn waits for: the turns before it, the provider's limit, the network, or the user's decision after a
 * turn that failed.
 * @typedef {object} Waiting
 * @property {"turn" | "rate_limit" | "offline" | "pause"} reason
 * @property {number} [until]  When it goes by itself, where that is known: Unix time in milliseconds.
 */

/**
 * Who answers, for display. Holds no secret.
 * @typedef {object} ProviderView
 * @property {boolean} configured  False before the first settings are saved and without a demo provider.
 * @property {boolean} demo  The demo provider of `build.py run` answers.
 * @property {boolean} locked  The key is behind a passphrase that has not been given since the browser started.
 * @property {string} name
 * @property {string} model
 * @property {{id: string, name: string, model: string, tools?: Record<string, "yes" | "perhaps">}[]} profiles  All that
 *   could answer, with the tools that each provider has.
 * @property {string | null} active  The profile that does.
 */

/**
 * What a conversation has of its own. What is absent is as the profile says.
 * @typedef {object} ConversationSettings
 * @property {string} [profile]  Who answers; else the active profile.
 * @property {string} [model]
 * @property {string} [instructions]
 * @property {string} [effort]
 * @property {ReasoningSummary} [summary]
 * @property {"low" | "medium" | "high"} [verbosity]
 * @property {number} [temperature]
 * @property {number} [top_p]
 * @property {number} [max_output_tokens]
 * @property {Compaction} [compaction]
 * @property {Record<string, Permission>} [tools]  What the model may use; a tool without an entry is not offered.
 * @property {string[]} [vector_stores]  The ids of those in which the provider's file search looks.
 * @property {string[]} [network]  The hosts that the sandbox's Python may reach, as `api.example.com` or
 *   `localhost:8000`.
 * @property {ToolLimits} [limits]
 */

/**
 * How far a turn may go by itself: how often the model may be called again with the outputs of its calls (absent: 25),
 * how many seconds it may take (without the wait for the user's approval), and after how many tokens it is not
 * continued.
 * @typedef {{calls?: number, seconds?: number, tokens?: number}} ToolLimits
 */

/**
 * Whether a tool may act: after the user's approval of each call, without asking, or never.
 * @typedef {"ask" | "always" | "never"} Permission
 */

/**
 * What happens when a conversation fills the model's context window: it is summarised, its oldest turns are left out of
 * the requests, or nothing.
 * @typedef {"summarise" | "trim" | "off"} Compaction
 */

/**
 * How much of its reasoning the model sums up for the user. Absent: what the provider does by itself.
 * @typedef {"off" | "auto" | "concise" | "detailed"} ReasoningSummary
 */

/**
 * A branch of a conversation, as far as the panel is shown it.
 * @typedef {object} ConversationView
 * @property {string} id  Empty when none was stored yet and Python is not up.
 * @property {Turn[]} turns  The last turns of the branch, oldest first; all that are under way (`running`,
 *   `reconnecting`, `queued`) are among them.
 * @property {number} [earlier]  How many turns of the branch come before these.
 * @property {ConversationSettings} [settings]
 * @property {Meter} [meter]
 */

/**
 * `TokenUsage`: `input_tokens`, of these `cached_input_tokens`, `output_tokens`, of these `reasoning_output_tokens`,
 * `total_tokens`, ... A figure that the provider does not report is 0.
 * @typedef {Record<string, number>} Usage
 */

/**
 * What a conversation has used, in tokens. A figure that nobody has reported is absent.
 * @typedef {object} Meter
 * @property {Usage} usage  Of all turns of all its branches.
 * @property {Usage} [last]  Of the last turn of the branch.
 * @property {number} [context_used]  What the branch takes of the context window.
 * @property {number} [context_window]
 * @property {number} [compact_at]  From so many on it is compacted.
 */

/**
 * What a provider has reported of its limits, as far as it is still valid. Times are Unix times in milliseconds.
 * @typedef {object} Limits
 * @property {string} name  Whose they are.
 * @property {string} [model]  The model that they are for.
 * @property {{label: string, used_percent: number, resets_at?: number, window_minutes?: number}[]} windows  Of a plan.
 * @property {{label: string, limit?: number, remaining?: number, resets_at?: number}[]} quotas  Of the public API:
 *   requests, tokens.
 * @property {string} [plan]
 * @property {{has_credits: boolean, unlimited: boolean, balance?: string}} [credits]
 * @property {number} [wait_until]  Requests wait until then.
 * @property {number} at  When it was last reported.
 */

/**
 * What one model used on one day.
 * @typedef {object} DayUsage
 * @property {string} day  In the user's time zone, as `2026-08-06`.
 * @property {string} origin  The provider's.
 * @property {string} model
 * @property {number} turns  How many it answered.
 * @property {Usage} usage
 */

/**
 * Panel to worker.
 * @typedef {{type: "Join", conversation?: string, window?: number}
 *   | {type: "Send", id: string, text: string, conversation: string, replaces?: string, attachments?: Attachment[]}
 *   | {type: "Regenerate", id: string, turn: string}
 *   | {type: "Retry", id: string}
 *   | {type: "Continue", id: string, turn: string}
 *   | {type: "ShowBranch", turn: string}
 *   | {type: "Stop"}
 *   | {type: "Cancel", id: string}
 *   | {type: "SendNow", id: string}
 *   | {type: "Compact", retry?: string}
 *   | {type: "Decide", call: string, allow: boolean, always?: boolean, never?: boolean, page?: string}
 *   | {type: "Configure", settings: ConversationSettings}
 *   | {type: "Earlier", before: string}
 *   | {type: "NewChat", conversation: string}
 *   | {type: "Open", conversation: string}
 *   | {type: "Unlock", passphrase: string}
 *   | {type: "ActivateProfile", id: string}
 *   | {type: "Restart"}
 *   | {type: "Wake"}
 *   | {type: "Ack", count: number}} PanelCommand
 *
 * `Join` names the conversation that the panel shows already and the window that it is in; without a conversation the
 * panel gets what that window showed last. All commands but `Send` concern the conversation that the panel shows, and
 * no other panel. `Send` and others carry an id that the panel made, of the new turn; sending the same id twice starts
 * one turn only. `replaces` names a turn in whose place the new one stands, in a branch of its own. What `attachments`
 * describe was kept before. `Regenerate` answers the message of `turn` anew, in a branch of its own. `Retry` runs a
 * turn again; if something of its answer had arrived, in a branch of its own. `Continue` asks for the rest of an answer
 * that was cut off. `ShowBranch` shows the branch that `turn` belongs to. Branches stay as they are while a turn is
 * under way. `Cancel` takes a turn out of the queue; `SendNow` lets it go first, whatever it waits for, and stops an
 * answer under way. `Compact` has the conversation summarised, before the turn `retry`, which is then run again, or at
 * its end. `Decide` answers a call that asks; with `always`, or `never` where it is not allowed, for all calls of that
 * tool in this conversation. `page` is the one that was shown with the question: no other is read. `Configure` replaces
 * the conversation's settings. `Earlier` asks for more turns, those before that one.
 * `Open` shows a stored conversation, `NewChat` an empty one under an id that the panel made; what runs in others
 * continues. `ActivateProfile` lets another profile answer from the next turn on. `Restart` boots Python again after a
 * failed boot. `Wake` says that there is a network again.
 * `Ack` says how many more messages of this port the panel has drawn, whatever their type; it is sent at most once per
 * frame. A panel that owes too many is sent nothing more, and the whole `Conversation` when it has caught up
 * (`worker/panels.js`).
 */

/**
 * Worker to panel. The first messages after `Join` are `Boot`, `Provider` and `Conversation`; the conversation comes
 * from storage when Python is not up yet. What follows is about that conversation, until another `Conversation` comes.
 * `Events` carry the turn's `ResponseEvent`s in batches; `seq` counts the batches of a turn from 1 and the
 * `Conversation` message that a joining panel gets holds everything up to its `seq`. Several batches may come as one,
 * those from `first` to `seq`.
 * @typedef {{type: "Boot", state: "starting" | "ready" | "failed", message: string}
 *   | {type: "Provider", provider: ProviderView}
 *   | {type: "Conversation", conversation: ConversationView, seq: number}
 *   | {type: "Turn", turn: Turn}
 *   | {type: "Events", turn_id: string, first?: number, seq: number, events: ResponseEvent[]}
 *   | {type: "Stored", id: string}
 *   | {type: "Earlier", turns: Turn[], earlier: number}
 *   | {type: "Cancelled", id: string, text?: string, attachments?: Attachment[]}
 *   | {type: "Configured", settings: ConversationSettings}
 *   | {type: "Meter", meter: Meter}
 *   | {type: "Limits", limits: Limits[]}
 *   | {type: "Rejected", id?: string, error: TurnError}} PanelMessage
 *
 * `Turn` announces that a turn began or changed its status, and replaces what the panel knows of it. `Stored` says that
 * it is safe: until then the panel sends it again when the worker was lost.
 * `Earlier` brings turns that come right before those that the panel has, and says how many are before them.
 * `Meter` comes when the conversation's usage has changed, `Limits` when a provider has reported some; the latest come
 * first. `Cancelled` names a turn that was taken out of the queue; the panel that cancelled it gets its `text` and
 * `attachments`, for the composer. `Rejected` says that a command could not be carried out (an empty message, a wrong
 * passphrase, ...); with the `id` of a `Send` the panel puts the text back into the composer.
 */

/**
 * What the options page edits. The key travels apart and only towards the worker.
 * @typedef {object} Settings
 * @property {string} preset  `openai`, `azure`, `chatgpt`, `openrouter`, `ollama`, `lmstudio`, `llamacpp`, `vllm`,
 *   `custom`.
 * @property {string} name  How the user calls it.
 * @property {string} base_url
 * @property {"responses" | "chat"} wire_api
 * @property {string} model
 * @property {string} [instructions]
 * @property {string} [effort]  Reasoning effort.
 * @property {ReasoningSummary} [summary]
 * @property {"low" | "medium" | "high"} [verbosity]
 * @property {number} [temperature]  This one and the other numbers: what they may be is in `shared/ranges.js`.
 * @property {number} [top_p]
 * @property {number} [max_output_tokens]
 * @property {Compaction} [compaction]  Absent: `summarise`.
 * @property {number} [stream_idle_timeout_ms]  How long a server may be silent in an answer. Absent: 15 minutes.
 * @property {number} [request_max_retries]  How often a request is repeated that brought no answer.
 * @property {number} [stream_max_retries]  How often an answer is asked for again that broke off.
 * @property {number} [max_waiting]  Messages that may wait in the queue at once. Absent: 100.
 * @property {number} [requests_per_minute]  Absent: as many as the provider allows.
 * @property {string} [organization]  OpenAI's id of one, sent as a header.
 * @property {string} [project]  The same of a project.
 * @property {number} [context_window]  In tokens, where the model's is not known or another one is wanted.
 * @property {boolean} [background]  Responses API: the provider keeps answers until they are complete, so that one that
 *   broke is picked up.
 * @property {Record<string, string>} [http_headers]
 * @property {Record<string, string>} [query_params]
 */

/**
 * A conversation in the list.
 * @typedef {object} ConversationSummary
 * @property {string} id
 * @property {string} title  The user's, or the beginning of the first message.
 * @property {number} created_at  Unix time in milliseconds.
 * @property {number} updated_at  Unix time in milliseconds.
 * @property {number} turns  How many it has.
 * @property {boolean} [unfinished]  An answer is being written in it, or a message waits.
 * @property {boolean} [draft]  Something was written there and not sent.
 * @property {Snippet} [snippet]  Where a search found it in its turns.
 * @property {Place} [place]  The turn that this is in.
 */

/**
 * A turn to go to. `elsewhere`: it is on another branch than the one that is shown.
 * @typedef {{turn: string, elsewhere?: boolean}} Place
 */

/**
 * A place in a text, on one line.
 * @typedef {{before: string, hit: string, after: string}} Snippet
 */

/**
 * Settings under an id. One profile is the active one: it answers.
 * @typedef {{id: string, settings: Settings}} Profile
 */

/**
 * What may be shown of a ChatGPT sign-in. Empty while it is locked.
 * @typedef {object} SignInView
 * @property {string} [account]  E-mail address or id.
 * @property {string} [plan]
 * @property {number} [expires_at]  Of the token in use, which is renewed by itself; Unix time in milliseconds.
 */

/**
 * A profile as the options page shows it. At most one of key and sign-in is stored, for the origin of the base URL.
 * @typedef {Profile & {has_key: boolean, sign_in?: SignInView}} ProfileView
 */

/**
 * What a file brings that changes how the model answers in one of its conversations, for the user to see before it
 * takes effect.
 * @typedef {object} Brought
 * @property {string} title  The conversation's.
 * @property {string} [instructions]
 * @property {string} [profile]  The id of the provider profile that answers.
 * @property {string[]} [vector_stores]
 */

/**
 * What is known of a model; absent is what nobody has said.
 * @typedef {object} ModelFacts
 * @property {string[]} [efforts]  Those that it takes.
 * @property {string} [default_effort]
 * @property {boolean} [supports_reasoning]
 * @property {boolean} [supports_reasoning_summaries]
 * @property {boolean} [supports_verbosity]
 * @property {boolean} [takes_sampling]  Whether it takes temperature and top P.
 * @property {number} [context_window]  In tokens.
 */

/**
 * A page, or what is selected in it. All of it is untrusted.
 * @typedef {object} PageText
 * @property {string} title
 * @property {string} url  Without a user's name and password; "" where it is not known.
 * @property {string} [language]
 * @property {string} text
 * @property {boolean} is_whole  False: there is more, which was left out.
 * @property {string} [missing]  One sentence that says what was left out and why, for the user and the model; there
 *   when it is not whole.
 */

/**
 * What the user hands to a window's panel through an entry point outside of it: a page that was read, why it could not
 * be read, or a question for a new conversation.
 * @typedef {{type: "page" | "selection", page: PageText}
 *   | {type: "problem", what: "page" | "selection", error: TurnError}
 *   | {type: "question", text: string}} InboxEntry
 */

/**
 * Worker to open panels: the extension's icon was clicked in that window, at that Unix time in milliseconds. The panel
 * `stays` when the click was asked for, to let Sidestream into the page.
 * @typedef {{to: typeof PANELS, type: "IconClicked", window: number, at: number, stays: boolean}} PanelsMessage
 */

/**
 * How a piece of Python code ran. Everything in it may have been made up by the code.
 * @typedef {object} PythonRun
 * @property {"ok" | "error" | "timeout" | "memory" | "stopped"} ended
 * @property {string} stdout  Like all texts here within bounds: what is left out is said in its place.
 * @property {string} stderr
 * @property {string} [value]  Of the last expression, as `repr` shows it.
 * @property {string} [traceback]
 * @property {Figure[]} [figures]
 * @property {RunFile[]} [files]  Written by the code.
 * @property {number} duration_ms  Without the start of Python.
 * @property {number} [run]  The how-manieth run of this Python it was, from 1; absent when it was cut off.
 * @property {boolean} [lost]  This run took its Python along: the conversation's variables are gone.
 * @property {boolean} [evicted]  The variables were gone before this run: others needed the room, or nobody used them
 *   for long.
 * @property {boolean} [new_hosts]  The variables were gone before this run: the hosts that may be reached had changed.
 */

/**
 * A picture or a table. `nodes` is the part of an HTML text that is shown: texts, and elements as
 * `[tag, {attribute: number}, nodes]`.
 * @typedef {{type: "svg", text: string} | {type: "png" | "jpeg" | "webp" | "gif", base64: string}
 *   | {type: "html", text: string, nodes: any[]}} Figure
 */

/**
 * `size` in bytes. Large files come without contents.
 * @typedef {{name: string, size: number, base64?: string}} RunFile
 */

/**
 * A run as the sandbox reports it. Pages of the sandbox know no texts: why it failed is a code, which the worker turns
 * into a text (`worker/sandbox-texts.js`). `not_at_rest`: something that this run started continues after it,
 * `leftover`: something that an earlier run started.
 * @typedef {PythonRun & {failure?: RunFailure}} RawRun
 * @typedef {{code: "start_timeout" | "start_failed" | "crashed" | "not_at_rest" | "leftover" | "host_removed" | "unreadable",
 *   reason?: string}} RunFailure
 */

/**
 * A drawn diagram as SVG with its size in CSS pixels, or why there is none, with what Mermaid said of it. Untrusted: it
 * is shown as an image.
 * @typedef {{svg: string, width: number, height: number} | {error: string, details?: string}} Diagram
 * @typedef {{svg: string, width: number, height: number} | {failure: DiagramFailure, details?: string}} RawDiagram
 *   As the sandbox reports it.
 * @typedef {"failed" | "not_started" | "timeout" | "too_large" | "not_showable"} DiagramFailure
 */

/**
 * Worker to offscreen document. `Run` answers a {@link RawRun}, `Draw` a {@link RawDiagram}. `Limit` says what may be
 * reached from now on, and ends a Python that could reach more.
 * @typedef {{to: typeof SANDBOX, type: "Run", conversation: string, code: string, hosts: string[],
 *     time_limit_ms: number,
 *     memory_limit_mb: number}
 *   | {to: typeof SANDBOX, type: "Limit", conversation: string, hosts: string[]}
 *   | {to: typeof SANDBOX, type: "Stop", conversation: string}
 *   | {to: typeof SANDBOX, type: "Forget", conversation?: string}
 *   | {to: typeof SANDBOX, type: "Running", conversation: string}
 *   | {to: typeof SANDBOX, type: "Join", conversation: string, code: string}
 *   | {to: typeof SANDBOX, type: "Draw", source: string, dark: boolean}} SandboxRequest
 */

/**
 * What the extension takes of the disk.
 * @typedef {object} StorageUse
 * @property {number} used_bytes
 * @property {number} quota_bytes
 * @property {number} conversations  How many there are.
 * @property {number} snapshot_bytes  Of `used_bytes`, what Python's snapshot takes.
 */
