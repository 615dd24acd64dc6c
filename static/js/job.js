/** The page of one job. */

import { announce } from "./announce.js";
import { startBackdrop } from "./backdrop.js";
import { startCompare } from "./compare.js";
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

if (cards.dataset.jobState === "active") {
  const summary = new Summary((state, done, total) => {
    document.title = state === "active" ? `(${done}/${total}) ${title}` : title;
    if (state === "active") announce(`${done} of ${total} done`);
    else {
      announce(`Finished: ${countOf(done, "cut-out")} ready`, { now: true });
      live.settle(state);
    }
  });
  const live = new LiveJob({
    cardsUrl: cards.dataset.cardsUrl,
    eventsUrl: cards.dataset.eventsUrl,
    root: cards,
    onNews: () => summary.refreshSoon(),
    onEnd: () => summary.refresh(),
    onProblem: (problem) => showProblem(problem, cards.dataset.signIn),
  });
  live.start();
}
