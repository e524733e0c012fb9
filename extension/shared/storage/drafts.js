/**
 * Drafts in IndexedDB: what was typed and not sent. The panel writes them, and the worker removes them with their
 * conversation. Neither needs the other for that.
 *
 * A draft belongs to a conversation and to the panel in which it was typed, its owner. A panel holds a lock under its
 * id as long as it is open, so it can be seen which drafts have no open owner. Such a draft is adopted by the next
 * panel of the same window or, if that window is gone as well, by the first panel that shows the conversation.
 */

import { database, keysOf, write } from "./database.js";

/** @import { Attachment } from "../protocol.js" */
/** @typedef {import("idb").IDBPTransaction<any, string[], "readwrite">} Transaction */

/**
 * A message that is being edited.
 * @typedef {object} Edit
 * @property {string} text
 * @property {Attachment[]} [attachments]  The remaining ones; if absent, those of the replaced turn.
 * @property {string} [id]  Of the turn as which it was sent.
 * @property {string} [conversation]  To which it was sent.
 * @property {boolean} [sending]  The worker has neither stored nor rejected it yet.
 * @property {boolean} [aside]  Its box was closed with Escape; what was typed is shown when it is opened again.
 */

/**
 * A message that was sent, but is not stored by the worker yet.
 * @typedef {{id: string, text: string, attachments: Attachment[]}} Sending
 */

/**
 * @typedef {object} Draft
 * @property {string} text
 * @property {[number, number]} [selection]  In the text; absent when the cursor is at its end.
 * @property {Attachment[]} attachments
 * @property {Record<string, Edit>} edits  Of earlier messages, by the turn that each will replace.
 * @property {Sending[]} sending
 * @property {Record<string, string>} [form]  What was typed into the settings of the conversation and not saved, by
 *   field.
 */

/**
 * `conversation_id` is {@link NEW_CHAT} as long as the conversation has no message. `window` is a number that means
 * something as long as the browser runs, which `session` names. `at` is Unix time in milliseconds.
 * @typedef {Draft & {conversation_id: string, owner: string, session: string, window: number, at: number}} StoredDraft
 */

/** Whose drafts they are: see {@link StoredDraft}. @typedef {{owner: string, session: string, window: number}} Panel */

/** In place of a conversation that has yet to begin. */
export const NEW_CHAT = "";
/** Begins the name of the lock that a panel holds as long as it is open. */
export const PANEL_LOCK = "panel:";

/** @returns {Draft} */
export function emptyDraft() {
  return { text: "", attachments: [], edits: {}, sending: [] };
}

/** Whether there is nothing in it that anybody would miss. @param {Draft} draft */
export function isEmpty({ text, attachments, edits, sending, form }) {
  return !text && attachments.length + Object.keys(edits).length + sending.length === 0 && !form;
}

/**
 * Joins two drafts; what was typed first comes first.
 * @param {Draft} first
 * @param {Draft} second
 * @returns {Draft}
 */
export function joined(first, second) {
  const text = [first.text, second.text].filter(Boolean).join("\n");
  const before = text.length - second.text.length;
  /** @type {[number, number] | undefined} */
  const moved = second.selection && [second.selection[0] + before, second.selection[1] + before];
  const selection = second.text ? moved : first.selection;
  const form = second.form ?? first.form;
  return {
    text,
    ...(selection ? { selection } : {}),
    attachments: unique([...first.attachments, ...second.attachments]),
    edits: { ...first.edits, ...second.edits },
    sending: unique([...first.sending, ...second.sending]),
    ...(form ? { form } : {}),
  };
}

/** @template {{id: string}} T @param {T[]} things @returns {T[]} */
function unique(things) {
  return [...new Map(things.map((each) => [each.id, each])).values()];
}

/**
 * Writes a draft in place of its earlier state. An empty one is removed.
 * @param {StoredDraft} draft
 * @param {string[]} [former]  The conversations whose draft it was: it has moved from there.
 */
export async function putDraft(draft, former = []) {
  const transaction = (await database()).transaction("drafts", "readwrite", { durability: "relaxed" });
  const done = transaction.done.catch((error) => {
    throw transaction.error ?? error;
  });
  const { conversation_id, owner } = draft;
  const gone = isEmpty(draft) ? [...former, conversation_id] : former;
  const work = gone.map((id) => transaction.store.delete(/** @type {any} */ ([id, owner])));
  if (!isEmpty(draft)) work.push(/** @type {any} */ (transaction.store.put(draft)));
  for (const each of work) each.catch(() => {});
  // The request is made at once, so it is carried out even if the page closes before the reply.
  transaction.commit();
  await done;
}

/**
 * Takes what the panel has of a conversation, and what is left of panels that are closed: the last draft of its own
 * window, else of a window that is gone, if the panel has none itself. The caller holds the lock `drafts`.
 * @param {string} conversation
 * @param {Panel} panel
 * @param {{panels: Set<string>, windows: Set<number>}} alive  What is open: panels by id, windows by number.
 * @param {boolean} [adopts]  False: what is left is only reported.
 * @returns {Promise<{own?: StoredDraft, others: StoredDraft[], unsent: Sending[], busy: string[]}>}  `others` may be
 *   adopted by hand. `unsent` are those of its messages that are not stored. `busy` are the panels that look after
 *   others there.
 */
export async function takeDraft(conversation, panel, alive, adopts = true) {
  return write(["drafts", "conversations", "turns"], async (transaction) => {
    const store = transaction.objectStore("drafts");
    const stored = await candidates(transaction, conversation);
    const own = stored.find(({ owner, conversation_id }) => owner === panel.owner && conversation_id === conversation);
    const left = stored.filter(({ owner }) => owner !== panel.owner && !alive.panels.has(owner));
    const busy = stored.flatMap(({ owner }) => (owner !== panel.owner && alive.panels.has(owner) ? [owner] : []));
    const isHere = (/** @type {StoredDraft} */ { session, window }) =>
      session === panel.session && window === panel.window;
    const isElsewhere = (/** @type {StoredDraft} */ draft) =>
      !isHere(draft) && draft.session === panel.session && alive.windows.has(draft.window);
    // Those of this window first, then those of windows that are gone; the last one first.
    const free = left.filter((draft) => !isElsewhere(draft));
    free.sort((one, other) => Number(isHere(other)) - Number(isHere(one)) || other.at - one.at);
    const adopted = !adopts || (own && !isEmpty(own)) ? undefined : free.shift();
    // A new chat of another window is that window's.
    const others = conversation === NEW_CHAT ? free : [...free, ...left.filter(isElsewhere)];
    const unsent = [];
    for (const message of (adopted ?? own)?.sending ?? []) {
      const { conversation_id } = /** @type {StoredDraft} */ (adopted ?? own);
      const key = await transaction.objectStore("turns").getKey([conversation_id, message.id]);
      if (key === undefined) unsent.push(message);
    }
    if (!adopted) return { own, others, unsent, busy };
    const mine = { ...adopted, ...panel, conversation_id: conversation };
    await store.delete([adopted.conversation_id, adopted.owner]);
    await store.put(mine);
    return { own: { ...mine, session: adopted.session }, others, unsent, busy };
  });
}

/**
 * The drafts of a conversation; of a new chat also those of conversations that never came to be: the browser ended
 * before the worker had stored their first message.
 * @param {Transaction} transaction  With the stores `drafts` and `conversations`.
 * @param {string} conversation
 * @returns {Promise<StoredDraft[]>}
 */
async function candidates(transaction, conversation) {
  const store = transaction.objectStore("drafts");
  if (conversation !== NEW_CHAT) return store.getAll(keysOf(conversation));
  const known = new Set([...(await transaction.objectStore("conversations").getAllKeys()), NEW_CHAT]);
  /** @type {StoredDraft[]} */
  const all = await store.getAll();
  return all.filter(({ conversation_id }) => conversation_id === NEW_CHAT || !known.has(conversation_id));
}

/**
 * Removes a draft that was adopted by hand or discarded.
 * @param {StoredDraft} draft
 */
export async function removeDraft({ conversation_id, owner }) {
  await write(["drafts"], (transaction) => transaction.objectStore("drafts").delete([conversation_id, owner]));
}

/** The conversations in which something was written and not sent. @returns {Promise<Set<string>>} */
export async function conversationsWithDrafts() {
  /** @type {StoredDraft[]} */
  const stored = await (await database()).getAll("drafts");
  const written = stored.filter(({ text, attachments, edits }) => text.trim() || attachments.length || hasKeys(edits));
  return new Set(written.map(({ conversation_id }) => conversation_id));
}

/** @param {object} value */
function hasKeys(value) {
  return Object.keys(value).length > 0;
}

/**
 * Moves a conversation's drafts to the new chat, since the conversation has lost its only message and is removed.
 * @param {Transaction} transaction  With the store `drafts`.
 * @param {string} conversation
 */
export async function freeDrafts(transaction, conversation) {
  const store = transaction.objectStore("drafts");
  for (const draft of /** @type {StoredDraft[]} */ (await store.getAll(keysOf(conversation)))) {
    const there = await store.get([NEW_CHAT, draft.owner]);
    await store.put({ ...draft, ...(there ? joined(there, draft) : {}), conversation_id: NEW_CHAT });
    await store.delete([conversation, draft.owner]);
  }
}

/**
 * Removes the drafts of a conversation, and what was attached to them.
 * @param {Transaction} transaction  With the stores `drafts` and `attachments`.
 * @param {string} conversation
 */
export async function removeDrafts(transaction, conversation) {
  const attachments = transaction.objectStore("attachments");
  const drafts = transaction.objectStore("drafts");
  const ids = /** @type {StoredDraft[]} */ (await drafts.getAll(keysOf(conversation))).flatMap(attachmentsOf);
  await Promise.all([...ids.map((id) => attachments.delete(["", id])), drafts.delete(keysOf(conversation))]);
}

/**
 * The ids of the attachments that a draft needs.
 * @param {Draft} draft
 * @returns {string[]}
 */
export function attachmentsOf({ attachments, edits, sending }) {
  const more = [...Object.values(edits), ...sending].flatMap((each) => each.attachments ?? []);
  return [...attachments, ...more].map(({ id }) => id);
}
