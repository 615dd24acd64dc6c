/** Entry point of the job page. */

import { announce } from "../shared/announce.js";
import { startCompare } from "../shared/compare.js";
import { startDeletePicture } from "../shared/delete-picture.js";
import { countOf } from "../shared/format.js";
import { LiveJob } from "../shared/live-job.js";
import { startOptions } from "../shared/options.js";
import { startBackdrop } from "./backdrop.js";
import { showProblem } from "./problem-note.js";
import { startShareSelected } from "./share-selected.js";
import { Summary } from "./summary.js";
import { startThumbs } from "./thumbs.js";

const cards = document.getElementById("cards");
const title = document.title;

const again = document.getElementById("again");
if (again) startOptions(/** @type {HTMLFormElement} */ (again));

startCompare(cards);
startShareSelected(document.getElementById("share-selected"), cards);
startBackdrop(document.getElementById("backdrop"), cards);
startThumbs(cards);

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
