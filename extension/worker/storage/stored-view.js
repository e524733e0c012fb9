/**
 * What a panel is shown of a stored conversation while Python, which shows it otherwise (`session/conversation.py`), is
 * not up.
 */

import { database } from "../../shared/storage/database.js";
import { holdBack, withShown } from "../../shared/tool-results.js";
import { pathOf } from "./branches.js";
import { loadConversation } from "./conversation-store.js";
import { readTurn } from "./records.js";

/** @import { ConversationView, Shown, Turn } from "../../shared/protocol.js" */
/** @import { StoredTurn } from "./records.js" */

/** So many turns of a long conversation a panel is shown at once; see there. */
const VIEW_TURNS = 40;

/**
 * A conversation as the panel is shown it before Python is up. A turn whose request was under way was cut off when the
 * last worker ended; one that had not been sent is still queued.
 * @param {string} id
 * @returns {Promise<ConversationView>}
 */
export async function storedView(id) {
  const conversation = await loadConversation(id);
  if (!conversation) return { id, turns: [] };
  const { turns, leaf, settings = {} } = conversation;
  const path = pathOf(turns, leaf);
  const waiting = path.filter((turn) => turn.active).length;
  const earlier = Math.max(0, path.length - Math.max(VIEW_TURNS, 1 + waiting));
  /** @type {Map<string | undefined, string[]>} */
  const places = new Map();
  for (const { parent, id: turn } of turns) {
    const place = places.get(parent);
    if (place) place.push(turn);
    else places.set(parent, [turn]);
  }
  const shown = path.slice(earlier).map((turn) => viewOfTurn(turn, places.get(turn.parent) ?? []));
  holdBack(shown);
  return { id, turns: shown, earlier, settings };
}

/**
 * What a block of a turn has to show, where a panel was not given it.
 * @param {string} conversation
 * @param {string} turn
 * @param {number} block
 * @returns {Promise<Shown | undefined>}
 */
export async function loadShown(conversation, turn, block) {
  const stored = readTurn(await (await database()).get("turns", [conversation, turn]));
  return stored && withShown(stored.blocks, stored.items)[block]?.shown;
}

/** @param {StoredTurn} stored @param {string[]} siblings @returns {Turn} */
function viewOfTurn(stored, siblings) {
  const { id, user, attachments, created_at, parent, kind, model, error, usage, notices, finish_reason } = stored;
  const isCut = stored.active && stored.sent !== false;
  const waits = stored.active && !isCut;
  /** @type {Turn} */
  const turn = {
    id,
    user,
    created_at,
    status: isCut ? "interrupted" : waits ? "queued" : stored.status,
    // A turn that was put back into the queue keeps the calls that were carried out.
    blocks:
      waits && !stored.begun ? [] : withShown(stored.blocks, stored.items).map((block) => ({ ...block, open: false })),
  };
  if (waits) turn.waiting = stored.waiting ?? { reason: "turn" };
  if (siblings.length > 1) turn.siblings = siblings;
  const more = { attachments, parent, kind, ...(waits ? {} : { model, error, usage, finish_reason }), notices };
  return Object.assign(turn, Object.fromEntries(Object.entries(more).filter(([_, value]) => value !== undefined)));
}
