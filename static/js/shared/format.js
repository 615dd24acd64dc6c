/** Formats numbers for people. */

/**
 * @param {number} bytes
 * @returns {string} "3.4 MB", decimal as file managers show it
 */
export function spellBytes(bytes) {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1_000_000) return `${Math.round(bytes / 1000)} kB`;
  return `${(bytes / 1_000_000).toFixed(bytes < 10_000_000 ? 1 : 0)} MB`;
}

/**
 * @param {number} count
 * @param {string} [word]
 * @returns {string} "1 picture", "3 pictures"
 */
export function countOf(count, word = "picture") {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}
