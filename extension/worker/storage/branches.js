/** The tree of a conversation's turns: the branch that is shown, and trees that were stored or imported damaged. */

/**
 * The turns of a branch, oldest first.
 * @template {{id: string, parent?: string}} T
 * @param {T[]} turns  Of all branches, in the order in which they were made.
 * @param {string | undefined} leaf  The last one of the branch; else the last one of all.
 */
export function pathOf(turns, leaf) {
  const known = new Map(turns.map((turn) => [turn.id, turn]));
  const path = new Set();
  let turn = known.get(leaf ?? "") ?? turns.at(-1);
  while (turn && !path.has(turn)) {
    path.add(turn);
    turn = known.get(turn.parent ?? "");
  }
  return /** @type {T[]} */ ([...path].reverse());
}

/**
 * Turns each of which follows one of them or none, without circles: what followed a lost turn follows the one that was
 * made before it. `session/conversation.py` does the same.
 * @template {{id: string, parent?: string}} T
 * @param {T[]} turns  In the order in which they were made.
 * @returns {T[]}
 */
export function mended(turns) {
  const ids = new Set(turns.map(({ id }) => id));
  const whole = turns.map((turn, at) => {
    if (turn.parent === undefined || ids.has(turn.parent)) return turn;
    const { parent: _, ...lost } = turn;
    return /** @type {T} */ (at > 0 ? { ...lost, parent: turns[at - 1].id } : lost);
  });
  if (!isCircular(whole)) return whole;
  /** @type {Map<string, T>} */
  const known = new Map(whole.map((turn) => [turn.id, { ...turn }]));
  const rooted = new Set();
  for (const turn of known.values()) {
    const way = new Set();
    for (
      let here = /** @type {T | undefined} */ (turn);
      here && !rooted.has(here.id);
      here = known.get(here.parent ?? "")
    ) {
      way.add(here.id);
      if (here.parent !== undefined && way.has(here.parent)) delete here.parent;
    }
    for (const id of way) rooted.add(id);
  }
  return [...known.values()];
}

/**
 * Whether turns follow each other in a circle.
 * @param {{id: string, parent?: string}[]} turns
 */
export function isCircular(turns) {
  const known = new Map(turns.map((turn) => [turn.id, turn]));
  const rooted = new Set();
  for (const turn of turns) {
    const way = new Set();
    for (
      let here = /** @type {typeof turn | undefined} */ (turn);
      here && !rooted.has(here);
      here = known.get(here.parent ?? "")
    ) {
      if (way.has(here)) return true;
      way.add(here);
    }
    for (const each of way) rooted.add(each);
  }
  return false;
}
