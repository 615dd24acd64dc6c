/**
 * A job as it happens. Server-sent events are only hints of which cards have news; the cards themselves are fetched,
 * several at a time. Where the events fail, the same is asked every few seconds; a server that is away is told of.
 */

import { pendingIds, placeCards } from "./cards.js";
import { reached, unreachable } from "./connection-note.js";
import { getHtml } from "./http.js";

const GATHER = 250;
const POLL = 3000;
const BATCH = 50;

/**
 * @typedef {{
 *   cardsUrl: string,
 *   eventsUrl: string,
 *   root: HTMLElement,
 *   onNews: () => void,
 *   onEnd: () => void,
 *   onProblem: (problem: import("./problem.js").Problem) => void,
 * }} Watch
 * onNews: cards changed, or others of the job that this page does not show. onEnd: nothing more will come.
 */

export class LiveJob {
  /** @param {Watch} watch */
  constructor(watch) {
    this.watch = watch;
    /** @type {Set<string>} */
    this.hinted = new Set();
    this.jobState = "active";
    this.ended = false;
    this.fetching = false;
    this.gathering = 0;
    this.polling = 0;
  }

  start() {
    this.events = new EventSource(this.watch.eventsUrl);
    this.events.addEventListener("open", () => {
      clearInterval(this.polling);
      this.polling = 0;
      this.askAgain(); // for whatever happened while nobody listened
    });
    this.events.addEventListener("picture", (event) => this.hint([JSON.parse(event.data).id]));
    this.events.addEventListener("job", (event) => {
      this.jobState = JSON.parse(event.data).state;
      this.askAgain();
    });
    this.events.addEventListener("error", () => {
      if (this.polling) return;
      this.#poll();
      this.askAgain(); // at once: a server that stopped is noticed within seconds
    });
  }

  /** Asks for every card that is not finished. */
  askAgain() {
    this.hint(pendingIds(this.watch.root));
  }

  /** @param {string[]} ids pictures with news */
  hint(ids) {
    for (const id of ids) if (document.getElementById(`picture-${id}`)) this.hinted.add(id);
    this.gathering ||= setTimeout(() => this.#fetch(), GATHER);
  }

  async #fetch() {
    this.gathering = 0;
    if (this.fetching || this.ended) return;
    this.fetching = true;
    try {
      while (this.hinted.size > 0) {
        const ids = [...this.hinted].slice(0, BATCH);
        for (const id of ids) this.hinted.delete(id);
        await this.#fetchSome(ids);
      }
    } catch (problem) {
      if (problem.name !== "Problem") throw problem;
      if (problem.signIn) this.stop();
      // What passes by itself is asked for again with the next poll.
      if (!problem.transient) this.watch.onProblem(problem);
      else {
        unreachable();
        this.#poll();
      }
    } finally {
      this.fetching = false;
    }
    if (this.ended) return;
    this.watch.onNews();
    if (this.jobState !== "active" && pendingIds(this.watch.root).length === 0) this.end();
  }

  /** @param {string[]} ids */
  async #fetchSome(ids) {
    const { html, headers } = await getHtml(`${this.watch.cardsUrl}?ids=${ids.join(",")}`);
    this.jobState = headers.get("X-Job-State") ?? this.jobState;
    reached();
    await placeCards(html);
  }

  #poll() {
    if (!this.ended) this.polling ||= setInterval(() => this.askAgain(), POLL);
  }

  /**
   * Somebody else learnt that the job is over: asks for the cards that are still open here, and then ends.
   * @param {string} state
   */
  settle(state) {
    if (this.ended) return;
    this.jobState = state;
    this.askAgain();
  }

  /** Stops, and says that the job is over. */
  end() {
    if (this.ended) return;
    this.stop();
    this.watch.onEnd();
  }

  /** Stops listening. */
  stop() {
    this.ended = true;
    this.events.close();
    clearInterval(this.polling);
  }
}
