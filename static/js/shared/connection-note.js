/** A note at the top of the page while the server is unreachable. */

import { announce } from "./announce.js";

const SENTENCE = "The server does not respond. Nothing is lost. This page continues automatically as soon as it does.";
// A single failure may be a restarting proxy. The second one comes a few seconds later.
const MIN_FAILURES = 2;

let failures = 0;
/** @type {HTMLElement | null} */
let note = null;

/** Reports a request without a response, or with a proxy's gateway error. */
export function unreachable() {
  failures += 1;
  if (failures < MIN_FAILURES || note) return;
  const text = document.createElement("p");
  text.textContent = SENTENCE;
  note = document.createElement("div");
  note.className = "note note--warning";
  note.append(text);
  document.getElementById("messages").append(note);
}

/** Reports a successful request. */
export function reached() {
  failures = 0;
  if (!note) return;
  note.remove();
  note = null;
  announce("The server responds again", { now: true });
}
