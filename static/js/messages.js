/** How long a message stays, and which message an answer of the server deserves. */

const SHORTEST_STAY_MS = 5000;
const READING_MS_PER_CHARACTER = 90;

/** Milliseconds a message stays on the screen; errors and warnings stay until somebody closes them. */
export function stayOf(kind, text) {
  if (kind === "error" || kind === "warning") return Infinity;
  return Math.max(SHORTEST_STAY_MS, text.trim().length * READING_MS_PER_CHARACTER);
}

/** The key of the message for a refused request; status 0 means that no answer came. */
export function messageKeyOf(status) {
  if (status === 0) return "offline";
  if (status === 403) return "refused";
  if (status === 429) return "too-many";
  return "failed";
}

/** Names of the filters that were left empty: they do not belong into the address. */
export function emptyNames(entries) {
  const names = new Set(entries.map(([name]) => name));
  for (const [name, value] of entries) if (value !== "") names.delete(name);
  return [...names];
}
