/**
 * Whether a button of the mouse, a finger or a pen is down, so that nothing is changed under it: a press, a selection
 * in the making.
 */

/** @type {Set<() => void>} */
const waiting = new Set();
let isDown = false;

addEventListener("pointerdown", () => set(true), { capture: true, passive: true });
for (const type of ["pointerup", "pointercancel", "dragend"]) addEventListener(type, () => set(false), true);
// Of the page, and not of a box that loses the keyboard to what is pressed.
addEventListener("blur", ({ target }) => target === window && set(false), true);
// A press that ends outside the page, or in a menu, is not always reported.
addEventListener("pointermove", ({ buttons }) => isDown && buttons === 0 && set(false), {
  capture: true,
  passive: true,
});

/** @param {boolean} down */
function set(down) {
  isDown = down;
  if (down) return;
  const all = [...waiting];
  waiting.clear();
  // The click comes after the pointer is up.
  setTimeout(() => {
    for (const resolve of all) resolve();
  });
}

/** @returns {boolean} */
export function isPointerDown() {
  return isDown;
}

/** @returns {Promise<void>} */
export async function pointerIsUp() {
  while (isDown) await new Promise((/** @type {(value: void) => void} */ resolve) => waiting.add(resolve));
}
