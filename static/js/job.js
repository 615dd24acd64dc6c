/** The page of one job. */

import { announce } from "./announce.js";
import { startBackdrop } from "./backdrop.js";
import { startCompare } from "./compare.js";
import { startDeletePicture } from "./delete-picture.js";
import { LiveJob } from "./live.js";
import { showProblem } from "./notes.js";
import { startOptions } from "./options.js";
import { Summary } from "./summary.js";
import { countOf } from "./words.js";

const cards = document.getElementById("cards");
const title = document.title;

const again = document.getElementById("again");
if (again) startOptions(/** @type {HTMLFormElement} */ (again));

startCompare(cards);
startBackdrop(document.getElementById("backdrop"), cards);

/** @type {LiveJob | null} */
let live = null;
let over = false;
const summary = new Summary((state, done, total) => {
  document.title = state === "active" ? `(${done}/${total}) ${title}` : title;
  if (!live || over) return;
  if (state === "active") announce(`${done} of ${total} done`);
  else {
    over = true;
    announce(`Finished: ${countOf(done, "cut-out")} ready`, { now: true });
    live.settle(state);
  }
});

startDeletePicture(cards, (left) => {
  if (left === 0) location.assign(cards.dataset.history);
  else summary.refresh();
});

if (cards.dataset.jobState === "active") {
  live = new LiveJob({
    cardsUrl: cards.dataset.cardsUrl,
    eventsUrl: cards.dataset.eventsUrl,
    root: cards,
    onNews: () => summary.refreshSoon(),
    onEnd: () => summary.refresh(),
    onProblem: (problem) => showProblem(problem, cards.dataset.signIn),
  });
  live.start();
}
