/** Announcements for screen readers, throttled so that each can be read out. */

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
 * @param {string} sentence replaces a pending announcement
 * @param {{now?: boolean}} [options] now: announce immediately, for final states
 */
export function announce(sentence, { now = false } = {}) {
  waiting = sentence;
  clearTimeout(timer);
  const wait = now ? 0 : Math.max(0, last + PAUSE - Date.now());
  timer = setTimeout(speak, wait);
}
