/** Says at the top of the page that the server does not answer, and takes it back once it does. */

import { announce } from "./announce.js";

const SENTENCE = "The server does not answer. Nothing is lost: this page goes on by itself as soon as it does.";
// One failure may be a proxy that was restarted; by the second, a few seconds have passed.
const ENOUGH = 2;

let failures = 0;
/** @type {HTMLElement | null} */
let note = null;

/** A request got no answer, or one of a proxy that got none. */
export function unreachable() {
  failures += 1;
  if (failures < ENOUGH || note) return;
  const text = document.createElement("p");
  text.textContent = SENTENCE;
  note = document.createElement("div");
  note.className = "note note--warning";
  note.append(text);
  document.getElementById("messages").append(note);
}

/** A request was answered. */
export function reached() {
  failures = 0;
  if (!note) return;
  note.remove();
  note = null;
  announce("The server answers again", { now: true });
}
