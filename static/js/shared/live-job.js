/**
 * Live updates of a job. Server-sent events only say which cards have changed; the cards are fetched in batches. If
 * the events fail, the page polls every few seconds and reports an unreachable server.
 */

import { pendingIds, placeCards } from "./cards.js";
import { reached, unreachable } from "./connection-note.js";
import { getHtml } from "./http.js";

const BATCH_DELAY = 250;
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
 * onNews: cards changed, including cards that this page does not show. onEnd: the job has ended.
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
    this.batchTimer = 0;
    this.polling = 0;
  }

  start() {
    this.events = new EventSource(this.watch.eventsUrl);
    this.events.addEventListener("open", () => {
      clearInterval(this.polling);
      this.polling = 0;
      this.fetchPending(); // for events that were missed
    });
    this.events.addEventListener("picture", (event) => this.hint([JSON.parse(event.data).id]));
    this.events.addEventListener("job", (event) => {
      this.jobState = JSON.parse(event.data).state;
      this.fetchPending();
    });
    this.events.addEventListener("error", () => {
      if (this.polling) return;
      this.#poll();
      this.fetchPending(); // immediately, so that a stopped server is noticed within seconds
    });
  }

  /** Fetches every unfinished card. */
  fetchPending() {
    this.hint(pendingIds(this.watch.root));
  }

  /** @param {string[]} ids of changed pictures */
  hint(ids) {
    for (const id of ids) if (document.getElementById(`picture-${id}`)) this.hinted.add(id);
    this.batchTimer ||= setTimeout(() => this.#fetch(), BATCH_DELAY);
  }

  async #fetch() {
    this.batchTimer = 0;
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
      // Transient problems are retried by the next poll.
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
    if (!this.ended) this.polling ||= setInterval(() => this.fetchPending(), POLL);
  }

  /**
   * Called when the job is known to be over: fetches the remaining cards, then ends.
   * @param {string} state
   */
  settle(state) {
    if (this.ended) return;
    this.jobState = state;
    this.fetchPending();
  }

  /** Stops and calls onEnd. */
  end() {
    if (this.ended) return;
    this.stop();
    this.watch.onEnd();
  }

  /** Stops all updates. */
  stop() {
    this.ended = true;
    this.events.close();
    clearInterval(this.polling);
  }
}
