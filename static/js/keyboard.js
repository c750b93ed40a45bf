/** What a key means on a page of lists. */

/**
 * The action of one key stroke, or null: keys with a modifier belong to the browser, keys pressed
 * while writing (or while a Japanese conversion is open) belong to the text.
 */
export function actionFor({ key, hasModifier, isWriting, isComposing }) {
  if (isComposing) return null;
  if (key === "Escape") return "close";
  if (hasModifier || isWriting) return null;
  return { "/": "search", "?": "help", j: "next-row", k: "previous-row" }[key] ?? null;
}

/** The row to go to from row `current` (-1 when none has the focus); it stops at both ends. */
export function rowAfter(current, action, count) {
  if (count === 0) return -1;
  if (current < 0) return action === "next-row" ? 0 : count - 1;
  const step = action === "next-row" ? 1 : -1;
  return Math.min(Math.max(current + step, 0), count - 1);
}
