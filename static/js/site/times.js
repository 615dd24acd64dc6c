/** Shows times in the reader's time zone. The server renders them in its own. */

const FORMAT = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" });
const FULL = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });
const AGO = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

/**
 * @param {Date} time
 * @param {Date} now
 * @returns {string} "5 minutes ago" for the last day, otherwise the date.
 */
export function spellTime(time, now = new Date()) {
  const minutes = Math.round((time - now) / 60_000);
  if (minutes > 0 || minutes < -24 * 60) return FORMAT.format(time);
  if (minutes > -60) return minutes === 0 ? "just now" : AGO.format(minutes, "minute");
  return AGO.format(Math.round(minutes / 60), "hour");
}

/** @param {ParentNode} root */
export function localiseTimes(root = document) {
  for (const element of root.querySelectorAll("time[datetime]")) {
    const time = new Date(element.dateTime);
    if (Number.isNaN(time.getTime())) continue;
    element.textContent = spellTime(time);
    element.title = FULL.format(time);
  }
}
