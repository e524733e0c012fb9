/**
 * The drafts of this panel: what was typed and not sent, for each conversation. Each change is written to the disk at
 * once. While a change is being written, later ones wait and are then written together.
 */

import {
  emptyDraft,
  isEmpty,
  joined,
  NEW_CHAT,
  putDraft,
  removeDraft,
  takeDraft,
} from "../../shared/storage/drafts.js";
import { text as message } from "../../shared/text.js";
import { exclusively, hasClosed, identify, whoIsOpen } from "./panel-identity.js";

/** @import {Attachment} from "../../shared/protocol.js" */
/** @import {Draft, Panel, Sending, StoredDraft} from "../../shared/storage/drafts.js" */

/** A draft of more characters is not written with each keystroke, but after a pause. */
const LONG = 50_000;
const PAUSE_MS = 250;
/** How long to look whether panels that have drafts of the conversation are about to close. */
const CLOSING_MS = 10_000;
const RELOAD_MS = 2_000;
/** After this time, what could not be written is tried again. */
const RETRY_MS = 5_000;
/**
 * The keys under which earlier versions stored drafts in `chrome.storage.session`: a single draft for all
 * conversations, and one edit for each turn.
 */
const OLD = { text: "draft", attachments: "attachments", edit: "edit:" };

/**
 * A draft of this panel.
 * @typedef {{conversation?: string, draft: Draft}} DraftHandle  `draft` is replaced by another object with each change.
 */

/**
 * @typedef {DraftHandle & {others: StoredDraft[], former: string[], into?: LoadedDraft, loads: number, isDirty:
 *   boolean, isWriting: boolean}} LoadedDraft `former`: the conversations under which it was stored before. `into`: the
 *   draft that it was merged into. `loads`: how many reads are under way; until they are done it is not written.
 */

/**
 * @typedef {object} Links
 * @property {() => void} onShow  Another draft is shown, or something was added to it that was not typed.
 * @property {(text: string) => void} onTrouble  Receives why drafts cannot be stored; "" when they can again.
 * @property {(conversation: string | undefined, unsent: Sending[], isBefore: boolean) => Sending[]} onUnsent  Receives
 *   messages that the worker does not have, sent before the browser was started or since. Returns those that are to be
 *   put into the box again.
 */

export class Drafts {
  /** @type {LoadedDraft} */
  #shown = kept(undefined);
  /** @type {Map<string, LoadedDraft>} */
  #kept = new Map();
  /** @type {Panel | undefined} */
  #panel;
  /** @type {Promise<Panel>} */
  #identified;
  /** @type {(panel: Panel) => void} */
  #identify = () => {};
  #hasTakenOld = false;
  #hasTrouble = false;
  /** @type {Links} */
  #links;

  /** @param {Links} links */
  constructor(links) {
    this.#links = links;
    this.#identified = new Promise((resolve) => {
      this.#identify = resolve;
    });
    globalThis.addEventListener?.("pagehide", () => this.flush());
  }

  /**
   * Identifies the panel. Before that, no draft is stored or restored.
   * @param {number | undefined} window  The window that the panel is in.
   */
  async open(window) {
    this.#panel = await identify(window);
    this.#identify(this.#panel);
  }

  /** The draft that is shown, as a handle for later changes. @returns {DraftHandle} */
  get shown() {
    return this.#shown;
  }

  get current() {
    return this.#shown.draft;
  }

  /** Drafts of the shown conversation that belong to closed panels. */
  get others() {
    return this.#shown.others;
  }

  /**
   * Shows the draft of a conversation.
   * @param {string} conversation  {@link NEW_CHAT} as long as it has no message.
   * @param {"" | "moves" | "begins"} [how]  `moves`: the shown draft moves to this conversation. `begins`: it moves,
   *   and the conversation begins with it.
   */
  show(conversation, how = "") {
    const before = this.#shown;
    if (before.conversation === conversation) return;
    if (before.conversation === undefined || how) this.#move(before, conversation, how === "begins");
    else this.#shown = this.#keep(conversation);
    this.#links.onShow();
  }

  /**
   * @param {Partial<Draft>} change
   * @param {DraftHandle} [place]  By default the draft that is shown.
   */
  change(change, place = this.#shown) {
    const target = end(/** @type {LoadedDraft} */ (place));
    target.draft = { ...target.draft, ...change };
    this.#touch(target);
  }

  /**
   * @param {Attachment} attachment
   * @param {DraftHandle} place  The draft that it was meant for.
   */
  attach(attachment, place) {
    const { attachments } = end(/** @type {LoadedDraft} */ (place)).draft;
    this.change({ attachments: [...attachments, attachment] }, place);
  }

  /**
   * Puts a message that was not sent before what is written in a conversation.
   * @param {string} conversation  As for {@link show}.
   * @param {{text: string, attachments: Attachment[]}} message
   */
  putBack(conversation, { text, attachments }) {
    const target = conversation === this.#shown.conversation ? this.#shown : this.#keep(conversation);
    this.#add(target, { ...emptyDraft(), text, attachments });
  }

  /**
   * Turns what is written into a message that is being sent.
   * @param {Sending} message
   */
  send(message) {
    const { selection: _, ...draft } = this.current;
    this.#shown.draft = { ...draft, text: "", attachments: [], sending: [...draft.sending, message] };
    this.#touch(this.#shown);
  }

  /** @param {Set<string>} unconfirmed  The messages that the worker does not have yet, by id. */
  settle(unconfirmed) {
    for (const each of new Set([this.#shown, ...this.#kept.values()])) {
      const sending = each.draft.sending.filter(({ id }) => unconfirmed.has(id));
      if (sending.length === each.draft.sending.length || each.loads > 0) continue;
      each.draft = { ...each.draft, sending };
      this.#touch(each);
    }
  }

  /**
   * Adopts one of {@link others}, and puts it before what is written here.
   * @param {StoredDraft} other
   */
  async adopt(other) {
    const target = this.#shown;
    await removeDraft(other);
    target.others = target.others.filter((each) => each !== other);
    this.#add(target, contentOf(other));
  }

  /**
   * Removes one of {@link others}.
   * @param {StoredDraft} other
   */
  async discard(other) {
    await removeDraft(other);
    this.#shown.others = this.#shown.others.filter((each) => each !== other);
    this.#links.onShow();
  }

  /** Writes down what is not yet, before the page goes. */
  flush() {
    for (const each of new Set([this.#shown, ...this.#kept.values()])) {
      if (!each.isDirty || each.loads > 0 || each.conversation === undefined) continue;
      each.isDirty = false;
      this.#put(each).catch(() => {
        each.isDirty = true;
      });
    }
  }

  // --- from the disk ------------------------------------------------------------------------------------------------

  /** @param {string} conversation @returns {LoadedDraft} */
  #keep(conversation) {
    const known = this.#kept.get(conversation);
    if (known) return known;
    const fresh = kept(conversation);
    this.#kept.set(conversation, fresh);
    this.#load(fresh);
    return fresh;
  }

  /** @param {LoadedDraft} reader */
  async #load(reader) {
    const { conversation = NEW_CHAT } = reader;
    reader.loads += 1;
    try {
      const panel = await this.#identified;
      const [taken, old] = await exclusively(async () => [
        await takeDraft(conversation, panel, await whoIsOpen()),
        await this.#takeOld(),
      ]);
      const { own, others, unsent, busy } = taken;
      for (const owner of busy) this.#awaitClosing(reader, owner).catch(() => {});
      // The draft may have moved to another conversation meanwhile. What is stored under the former one moves with it.
      const target = end(reader);
      if (target.conversation === conversation) target.others = others;
      const lost = own ? this.#links.onUnsent(conversation, unsent, own.session !== panel.session) : [];
      const sending = unsent.filter((message) => !lost.includes(message));
      const before = [
        old ?? emptyDraft(),
        ...lost.map(({ text, attachments }) => ({ ...emptyDraft(), text, attachments })),
        own ? { ...contentOf(own), sending } : emptyDraft(),
      ];
      const isChanged = old !== null || sending.length < (own?.sending.length ?? 0) || !isEmpty(target.draft);
      target.draft = before.reduceRight((after, first) => joined(first, after), target.draft);
      if (isChanged) target.isDirty = true;
    } catch (error) {
      // What is written from now on is stored all the same.
      console.warn("Drafts could not be read:", error);
    }
    reader.loads -= 1;
    if (end(reader).isDirty) this.#touch(end(reader));
    if (end(reader) === this.#shown) this.#links.onShow();
  }

  /**
   * Offers the drafts of a panel that was about to close.
   * @param {LoadedDraft} reader
   * @param {string} owner
   */
  async #awaitClosing(reader, owner) {
    const { conversation } = reader;
    if (conversation === undefined || !(await hasClosed(owner, CLOSING_MS))) return;
    // A page that was reloaded has its lock again by then.
    await pause(RELOAD_MS);
    const panel = await this.#identified;
    const { others } = await exclusively(async () => takeDraft(conversation, panel, await whoIsOpen(), false));
    if (reader.into || reader.conversation !== conversation) return;
    reader.others = others;
    if (reader === this.#shown) this.#links.onShow();
  }

  /** What an earlier version has left. @returns {Promise<Draft | null>} */
  async #takeOld() {
    if (this.#hasTakenOld) return null;
    this.#hasTakenOld = true;
    const stored = /** @type {Record<string, any>} */ (await chrome.storage.session.get(null));
    const edits = Object.entries(stored).filter(([name]) => name.startsWith(OLD.edit));
    const { [OLD.text]: text = "", [OLD.attachments]: attachments = [] } = stored;
    const names = [OLD.text, OLD.attachments, ...edits.map(([name]) => name)].filter((name) => name in stored);
    if (names.length === 0) return null;
    await chrome.storage.session.remove(names);
    const byTurn = edits.map(([name, edit]) => [name.slice(OLD.edit.length), edit]);
    return { ...emptyDraft(), text, attachments, edits: Object.fromEntries(byTurn) };
  }

  /**
   * @param {LoadedDraft} from
   * @param {string} conversation
   * @param {boolean} begins
   */
  #move(from, conversation, begins) {
    const { conversation: current } = from;
    const there = this.#kept.get(conversation);
    if (current !== undefined) this.#kept.delete(current);
    const former = current !== undefined && this.#leaveEdits(from, current) ? undefined : current;
    if (there && there !== from) {
      // What was typed first comes first.
      there.draft = joined(there.draft, from.draft);
      there.former.push(...from.former, ...(former === undefined ? [] : [former]));
      there.others = [...there.others, ...from.others];
      from.into = there;
      this.#shown = there;
      this.#touch(there);
      return;
    }
    from.conversation = conversation;
    if (former !== undefined) from.former.push(former);
    this.#kept.set(conversation, from);
    this.#touch(from);
    if (!begins) this.#load(from);
  }

  /**
   * Messages are edited in place. What was typed there is restored with the conversation.
   * @param {LoadedDraft} from
   * @param {string} conversation  That it is moved from.
   * @returns {boolean}  Whether there was anything.
   */
  #leaveEdits(from, conversation) {
    const { edits } = from.draft;
    if (Object.keys(edits).length === 0) return false;
    const left = { ...kept(conversation), draft: { ...emptyDraft(), edits } };
    from.draft = { ...from.draft, edits: {} };
    this.#kept.set(conversation, left);
    this.#touch(left);
    return true;
  }

  /** @param {LoadedDraft} target @param {Draft} first */
  #add(target, first) {
    target.draft = joined(first, target.draft);
    this.#touch(target);
    if (target === this.#shown) this.#links.onShow();
  }

  // --- to the disk --------------------------------------------------------------------------------------------------

  /** @param {LoadedDraft} target */
  #touch(target) {
    target.isDirty = true;
    // Changes of the same moment are written as one.
    queueMicrotask(() => this.#write(target));
  }

  /** @param {LoadedDraft} target */
  async #write(target) {
    if (target.isWriting || target.loads > 0 || target.conversation === undefined) return;
    target.isWriting = true;
    while (target.isDirty && target.loads === 0 && !target.into) {
      target.isDirty = false;
      try {
        await this.#put(target);
        if (this.#hasTrouble) this.#say("");
      } catch (error) {
        target.isDirty = true;
        this.#say(troubleText(error));
        await pause(RETRY_MS);
      }
      if (target.draft.text.length > LONG) await pause(PAUSE_MS);
    }
    target.isWriting = false;
  }

  /** @param {LoadedDraft} target */
  async #put(target) {
    const { draft, conversation = NEW_CHAT } = target;
    if (!this.#panel) throw new Error("The panel has no id yet.");
    const former = target.former.splice(0).filter((each) => each !== conversation);
    try {
      await putDraft({ ...draft, ...this.#panel, conversation_id: conversation, at: Date.now() }, former);
    } catch (error) {
      target.former.unshift(...former);
      throw error;
    }
  }

  /** @param {string} text */
  #say(text) {
    this.#hasTrouble = text !== "";
    this.#links.onTrouble(text);
  }
}

/** @param {string | undefined} conversation @returns {LoadedDraft} */
function kept(conversation) {
  return {
    ...(conversation === undefined ? {} : { conversation }),
    draft: emptyDraft(),
    others: [],
    former: [],
    loads: 0,
    isDirty: false,
    isWriting: false,
  };
}

/** Where it is now. @param {LoadedDraft} place @returns {LoadedDraft} */
function end(place) {
  return place.into ? end(place.into) : place;
}

/** @param {StoredDraft} stored @returns {Draft} */
function contentOf({ text, selection, attachments, edits, sending, form }) {
  const idle = Object.entries(edits).map(([turn, edit]) => [turn, { ...edit, sending: false }]);
  return {
    text,
    ...(selection ? { selection } : {}),
    attachments,
    edits: Object.fromEntries(idle),
    sending,
    ...(form ? { form } : {}),
  };
}

/** @param {unknown} error */
function troubleText(error) {
  const isFull = error instanceof DOMException && error.name === "QuotaExceededError";
  return message(isFull ? "draft_disk_full" : "draft_storage_fails");
}

/** @param {number} ms @returns {Promise<void>} */
function pause(ms) {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
