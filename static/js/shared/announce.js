/** Speaks to screen readers: politely, and never faster than they can read. */

const PAUSE = 4000;
let last = 0;
let waiting = "";
let timer = 0;

function speak() {
  timer = 0;
  last = Date.now();
  document.getElementById("announcer").textContent = waiting;
}

/**
 * @param {string} sentence replaces one that has not been spoken yet
 * @param {{now?: boolean}} [options] now: an end, which must not wait behind counts
 */
export function announce(sentence, { now = false } = {}) {
  waiting = sentence;
  clearTimeout(timer);
  const wait = now ? 0 : Math.max(0, last + PAUSE - Date.now());
  timer = setTimeout(speak, wait);
}
