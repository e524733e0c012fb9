/**
 * What a record of a conversation may hold, field by field. A file that holds anything else is refused with its reason;
 * what is stored is repaired when it is read, since an earlier version, or a fault, may have stored it: one bad value
 * must not keep a conversation, or the list, from opening.
 */

import { COMPACTIONS, SUMMARIES, VERBOSITIES, valuesOf } from "../../shared/choices.js";
import { isCount, isCounts, isFlag, isId, isObject, isShallow, isText, isTime } from "../../shared/plain.js";
import { NUMBER_NAMES, numberProblem } from "../../shared/ranges.js";
import { isAttachment } from "../../shared/storage/attachments.js";
import { TURN_STATUSES } from "../../shared/turn-status.js";

/** @import { Block, ConversationSettings, Turn } from "../../shared/protocol.js" */

/**
 * @typedef {Turn & {conversation_id: string, position: number, version: number, sent?: boolean, begun?: boolean,
 *   active?: 1, items?: any[]}} StoredTurn `active` is there while it has yet to end.
 */

/**
 * @typedef {object} StoredConversation
 * @property {string} id
 * @property {number} created_at  Unix time in milliseconds, as all times here.
 * @property {number} updated_at
 * @property {string} title  The beginning of the first message.
 * @property {string} [own_title]  The user's title, which is shown instead.
 * @property {number} turns  How many there are, in all branches.
 * @property {string} [leaf]  The last turn of the branch that is shown.
 * @property {ConversationSettings} [settings]
 * @property {number} [deleted_at]  Deleted by the user; gone for good when the time to undo it is over.
 */

/** Of a turn's record; see `session/turn_record.py`. */
export const RECORD_VERSION = 2;
const BLOCK_KINDS = ["text", "reasoning", "refusal", "tool"];
/** Room for all turns to come: the next one is one further. */
const LAST_POSITION = 2 ** 40;
/** Of a turn; a message takes ten. */
const MOST_ATTACHED = 100;
const MOST_NOTICES = 100;
/** Blocks, and items, of a turn. */
const MOST_PARTS = 20_000;
/** Said of a turn of which something could not be read. */
export const PARTLY_READ = "A part of this could not be read, and is left out.";

/** @param {unknown} value */
const isPosition = (value) => isTime(value) && value <= LAST_POSITION;

/** @typedef {(value: any) => boolean} Check */

/** @param {Check} check @returns {Check}  Null is nothing as well. */
const maybe = (check) => (value) => value === undefined || value === null || check(value);
/** @param {Check} check @returns {Check} */
const optional = (check) => (value) => value === undefined || check(value);
/** @param {Check} check @returns {Check} */
const listOf = (check) => (value) => Array.isArray(value) && value.every(check);
/** @param {...string} words @returns {Check} */
const oneOf =
  (...words) =>
  (value) =>
    words.includes(value);
/** @param {Record<string, Check>} fields @returns {Check} */
const shapeOf = (fields) => (value) =>
  isObject(value) && Object.entries(fields).every(([name, check]) => check(value[name]));

// --- what an answer is made of
// -------------------------------------------------------------------------------------------

const isSource = (/** @type {any} */ source) => {
  const { url = "", title = "" } = source ?? {};
  return isText(url) && isText(title) && url + title !== "";
};

const isShown = shapeOf({
  figures: maybe(Array.isArray),
  files: maybe(Array.isArray),
  sources: maybe(listOf(isSource)),
});

const isBlockShape = shapeOf({
  kind: oneOf(...BLOCK_KINDS),
  text: isText,
  name: maybe(isText),
  item_id: maybe(isText),
  call_id: maybe(isText),
  status: maybe(isText),
  citations: maybe(listOf(isSource)),
  asks: maybe(isFlag),
  begun: maybe(isFlag),
  output: maybe(isText),
  failed: maybe(isFlag),
  duration_ms: maybe(isCount),
  shown: maybe(isShown),
  open: maybe(isFlag),
});

/** @param {unknown} value @returns {value is Block} */
export const isBlock = (value) => isShallow(value) && isBlockShape(value);

const isPart = (/** @type {any} */ part) => PARTS.get(part?.type)?.(part) ?? isText(part?.type);

/** The parts of messages and of outputs, as `types/items.py` reads them. @type {Map<string, Check>} */
const PARTS = new Map([
  ["input_text", shapeOf({ text: isText })],
  ["input_image", shapeOf({ image_url: isText, detail: maybe(oneOf("auto", "low", "high", "original")) })],
  ["input_audio", shapeOf({ audio_url: isText })],
  ["output_text", shapeOf({ text: optional(isText), annotations: maybe(listOf(isObject)) })],
  ["refusal", shapeOf({ refusal: optional(isText) })],
]);

/** @type {Check} */
const isOutput = (value) => isText(value) || listOf(isPart)(value);
/** @param {...string} types @returns {Check} */
const thoughts = (...types) =>
  listOf(
    (part) => isObject(part) && (part.type === undefined || types.includes(part.type)) && optional(isText)(part.text),
  );

/** The finished items of answers, as `types/items.py` reads them. @type {Record<string, Record<string, Check>>} */
const ITEM_FIELDS = {
  message: { role: isText, content: optional(isOutput), phase: maybe(isText) },
  reasoning: {
    summary: maybe(thoughts("summary_text")),
    content: maybe(thoughts("reasoning_text", "text")),
    encrypted_content: maybe(isText),
    field: maybe(isText),
  },
  function_call: {
    name: optional(isText),
    namespace: maybe(isText),
    arguments: optional(isText),
    call_id: optional(isText),
  },
  function_call_output: { call_id: isText, output: isOutput },
  custom_tool_call: {
    status: maybe(isText),
    call_id: optional(isText),
    name: optional(isText),
    namespace: maybe(isText),
    input: optional(isText),
  },
  custom_tool_call_output: { call_id: isText, name: maybe(isText), output: isOutput },
  local_shell_call: { call_id: maybe(isText), status: optional(isText), action: optional(isObject) },
  web_search_call: { status: maybe(isText), action: maybe(isObject) },
  image_generation_call: { status: optional(isText), revised_prompt: maybe(isText), result: maybe(isText) },
  code_interpreter_call: {
    status: maybe(isText),
    code: maybe(isText),
    container_id: maybe(isText),
    outputs: maybe(listOf(isObject)),
  },
  file_search_call: { status: maybe(isText), queries: optional(listOf(isText)), results: maybe(listOf(isObject)) },
  tool_search_call: { call_id: maybe(isText), status: maybe(isText), execution: optional(isText) },
  tool_search_output: {
    call_id: maybe(isText),
    status: optional(isText),
    execution: optional(isText),
    tools: optional(Array.isArray),
  },
  compaction: { encrypted_content: isText },
  compaction_summary: { encrypted_content: isText },
  context_compaction: { encrypted_content: maybe(isText) },
};
const ITEMS = new Map(Object.entries(ITEM_FIELDS));

const isOrigin = shapeOf({ provider: isText, model: optional(isText) });

/** @param {any} value  A finished item of an answer. @returns {boolean} */
export function isItem(value) {
  if (!isObject(value) || !isText(value.type) || !isShallow(value)) return false;
  const fields = ITEMS.get(value.type);
  if (!fields) return true;
  return maybe(isText)(value.id) && maybe(isOrigin)(value.origin) && shapeOf(fields)(value);
}

// --- turns
// ---------------------------------------------------------------------------------------------------------------

const isWaiting = shapeOf({ reason: oneOf("turn", "rate_limit", "offline", "pause"), until: maybe(isTime) });

/**
 * Without these there is no turn: the check, and what stands in for a bad value.
 * @type {Record<string, [Check, unknown]>}
 */
const NEEDED = {
  user: [isText, ""],
  created_at: [isTime, 0],
  position: [isPosition, 0],
  status: [oneOf(...TURN_STATUSES), "interrupted"],
  version: [(value) => value === 1 || value === 2, RECORD_VERSION],
};

/** @type {Record<string, Check>} */
const LISTS = { blocks: isBlock, items: isItem };

/** @type {Record<string, Check>} */
const OPTIONAL = {
  attachments: (value) => listOf(isAttachment)(value) && value.length > 0 && value.length <= MOST_ATTACHED,
  model: isText,
  error: (value) => isObject(value) && isText(value.message) && isShallow(value),
  usage: isCounts,
  notice: isText,
  notices: (value) => listOf(isText)(value) && value.length <= MOST_NOTICES,
  finish_reason: isText,
  waiting: isWaiting,
  parent: isId,
  kind: oneOf("compaction"),
  sent: isFlag,
  urgent: isFlag,
  limited: isFlag,
  begun: isFlag,
  without_images: isFlag,
  left_out: isFlag,
  put_off: isCount,
  attempt: isCount,
  calls: isCount,
  origin: isText,
  usage_before: isCounts,
  context_tokens: isCount,
  withdrawn: listOf(isBlock),
  response_id: isText,
  sequence_number: isCount,
};

/**
 * The first field of a turn that holds what no turn has; undefined when all is right.
 * @param {any} turn
 * @returns {string | undefined}
 */
export function wrongIn(turn) {
  if (!isObject(turn) || !isId(turn.id)) return "id";
  for (const [name, [check]] of Object.entries(NEEDED)) if (!check(turn[name])) return name;
  for (const [name, check] of Object.entries(LISTS)) {
    const { [name]: list = [] } = turn;
    if (!listOf(check)(list) || list.length > MOST_PARTS) return name;
  }
  return Object.entries(OPTIONAL).find(([name, check]) => !maybe(check)(turn[name]))?.[0];
}

/**
 * A stored turn that can be shown, searched and sent: what cannot be read is left out, and the turn says so.
 * @param {any} stored
 * @returns {StoredTurn | undefined}  Undefined for what is no turn, or one of a later version, which is left alone.
 */
export function readTurn(stored) {
  if (!isObject(stored) || !isId(stored.id) || stored.version > RECORD_VERSION) return undefined;
  if (wrongIn(stored) === undefined) return /** @type {StoredTurn} */ (withoutNull(stored));
  /** @type {Record<string, any>} */
  const turn = { ...stored };
  for (const [name, [check, instead]] of Object.entries(NEEDED)) if (!check(turn[name])) turn[name] = instead;
  for (const [name, check] of Object.entries(LISTS)) {
    turn[name] = (Array.isArray(turn[name]) ? turn[name] : []).filter(check).slice(0, MOST_PARTS);
  }
  for (const [name, check] of Object.entries(OPTIONAL)) if (!maybe(check)(turn[name])) delete turn[name];
  // Nothing of it is left.
  if (!turn.user && turn.blocks.length === 0 && !turn.attachments) return undefined;
  turn.notices = [...(turn.notices ?? []).filter((/** @type {string} */ each) => each !== PARTLY_READ), PARTLY_READ];
  return /** @type {any} */ (turn);
}

/** @param {Record<string, any>} turn  Of which a field that is null is as one that is not there. */
function withoutNull(turn) {
  const empty = Object.keys(OPTIONAL).filter((name) => turn[name] === null);
  if (empty.length === 0) return turn;
  return Object.fromEntries(Object.entries(turn).filter(([name]) => !empty.includes(name)));
}

/** The names of all that a turn's record has, in no order. */
const NAMES = new Set(["id", ...Object.keys(NEEDED), ...Object.keys(LISTS), ...Object.keys(OPTIONAL)]);
/** What only says how a turn runs. A file starts, continues and repeats nothing. */
const RUNNING = [
  "sent",
  "urgent",
  "limited",
  "begun",
  "put_off",
  "waiting",
  "notice",
  "usage_before",
  "withdrawn",
  "response_id",
  "sequence_number",
];
for (const name of RUNNING) NAMES.delete(name);

/**
 * The fields of a turn that say what was said, in their order.
 * @param {Record<string, any>} turn
 * @returns {Record<string, any>}
 */
export function lastingFields(turn) {
  return Object.fromEntries(Object.entries(turn).filter(([name, value]) => NAMES.has(name) && value !== null));
}

const BLOCK_NAMES = new Set([
  "kind",
  "text",
  "name",
  "item_id",
  "call_id",
  "status",
  "citations",
  "output",
  "failed",
  "duration_ms",
  "shown",
  "open",
]);

/**
 * The same of a block. A question is asked where the call is made, and nowhere else.
 * @param {Record<string, any>} block
 * @returns {any}
 */
export function lastingBlock(block) {
  return Object.fromEntries(Object.entries(block).filter(([name, value]) => BLOCK_NAMES.has(name) && value !== null));
}

// --- conversations
// ---------------------------------------------------------------------------------------------------------

const LIMITS = ["calls", "seconds", "tokens"];

/** @type {Record<string, Check>} */
const SETTINGS = {
  profile: isText,
  model: isText,
  instructions: isText,
  effort: isText,
  verbosity: oneOf(...valuesOf(VERBOSITIES)),
  summary: oneOf(...valuesOf(SUMMARIES)),
  compaction: oneOf(...valuesOf(COMPACTIONS)),
  tools: (value) => isObject(value) && Object.values(value).every(oneOf("ask", "always", "never")),
  network: listOf(isText),
  vector_stores: listOf(isText),
  limits: (value) =>
    isObject(value) &&
    Object.entries(value).every(([name, limit]) => LIMITS.includes(name) && isCount(limit) && limit > 0),
  ...Object.fromEntries(
    NUMBER_NAMES.map((name) => [name, (/** @type {unknown} */ value) => !numberProblem(name, value)]),
  ),
};

/**
 * The settings of a conversation, without what is none.
 * @param {any} settings
 * @returns {{settings: ConversationSettings, wrong?: string}}  `wrong`: a field that was left out because of its value.
 */
export function readSettings(settings) {
  if (settings === undefined || settings === null) return { settings: {} };
  if (!isObject(settings)) return { settings: {}, wrong: "settings" };
  const known = Object.entries(SETTINGS).filter(([name]) => settings[name] !== undefined && settings[name] !== null);
  const good = known.filter(([name, check]) => check(settings[name]));
  const wrong = known.find((field) => !good.includes(field))?.[0];
  return { settings: Object.fromEntries(good.map(([name]) => [name, settings[name]])), ...(wrong ? { wrong } : {}) };
}

/**
 * A stored conversation that can be listed, whatever is in its record.
 * @param {any} stored  Its `id` is the key under which it is stored.
 * @returns {StoredConversation}
 */
export function readConversation(stored) {
  const { created_at, updated_at, title, own_title, turns, leaf, settings, deleted_at } = stored;
  const begun = isTime(created_at) ? created_at : 0;
  const { settings: own } = readSettings(settings);
  return {
    id: stored.id,
    created_at: begun,
    updated_at: isTime(updated_at) ? updated_at : begun,
    title: isText(title) ? title : "",
    // Whoever finds out how many there are opens it.
    turns: isCount(turns) ? turns : 1,
    ...(isText(own_title) ? { own_title } : {}),
    ...(isText(leaf) ? { leaf } : {}),
    ...(Object.keys(own).length > 0 ? { settings: own } : {}),
    ...(isTime(deleted_at) ? { deleted_at } : {}),
  };
}
