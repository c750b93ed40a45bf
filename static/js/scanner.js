/** Telling a scanner gun from a person: both type on the keyboard, but no person types like that. */

// Measured with two guns and three people: guns leave 8 to 15 ms between keys, fast typists 130 ms.
const GUN_AT_MOST_MS = 40;
const SHORTEST_CODE = 6;
export const SILENCE_MS = 80;

/** Nothing typed yet. */
export function noBurst() {
  return { text: "", startedAt: 0, lastAt: 0 };
}

/** The burst after one more key; a pause of SILENCE_MS begins another one. Keys without a character end it. */
export function withKey(burst, key, at) {
  if ([...key].length !== 1) return noBurst();
  if (burst.text === "" || at - burst.lastAt > SILENCE_MS) return { text: key, startedAt: at, lastAt: at };
  return { text: burst.text + key, startedAt: burst.startedAt, lastAt: at };
}

/** Whether so many characters at this speed can only come from a gun. */
export function isFromGun(burst) {
  const steps = [...burst.text].length - 1;
  return steps + 1 >= SHORTEST_CODE && (burst.lastAt - burst.startedAt) / steps < GUN_AT_MOST_MS;
}

/** What was read, half-width and without the spaces around it. */
export function codeOf(text) {
  return text.normalize("NFKC").trim();
}

/** The text of a list with one more line; a line that is there already is not added twice in a row. */
export function withLine(list, line) {
  const lines = list.split("\n").filter((each) => each.trim() !== "");
  if (lines.at(-1) === line) return lines.join("\n") + "\n";
  return [...lines, line].join("\n") + "\n";
}

/** How a tone sounds and shakes: [hertz, milliseconds, wave], and the pattern for the motor. */
export const TONES = {
  ok: { sound: [1760, 90, "sine"], shake: [40] },
  again: { sound: [880, 60, "sine"], shake: [20, 40, 20] },
  bad: { sound: [196, 350, "sawtooth"], shake: [200, 80, 200] },
};

/** Whether the camera may tell this code now: one held in view is told again only after a pause. */
export function isNews(code, at, told, mutedForMs = 2500) {
  return told.code !== code || at - told.at > mutedForMs;
}
