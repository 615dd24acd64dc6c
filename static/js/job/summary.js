/** The summary of a job's page, fetched afresh: the server counts over all pages, this one shows only some cards. */

import { reached, unreachable } from "../shared/connection-note.js";
import { getHtml } from "../shared/http.js";

const PAUSE = 1500;

export class Summary {
  /** @param {(state: string, done: number, total: number) => void} onShown */
  constructor(onShown) {
    this.onShown = onShown;
    this.timer = 0;
  }

  /** Fetches soon, and never more often than the pause. */
  refreshSoon() {
    this.timer ||= setTimeout(() => this.refresh(), PAUSE);
  }

  async refresh() {
    clearTimeout(this.timer);
    this.timer = 0;
    let html;
    try {
      ({ html } = await getHtml(location.href));
    } catch (problem) {
      if (problem.name !== "Problem") throw problem;
      if (problem.transient) unreachable();
      return; // The cards' own requests tell of other problems; the next news tries again.
    }
    reached();
    const fresh = new DOMParser().parseFromString(html, "text/html").getElementById("job-summary");
    const old = document.getElementById("job-summary");
    if (!fresh || !old) return;
    const focused = old.contains(document.activeElement) && document.activeElement.dataset.key;
    old.replaceWith(fresh);
    if (focused) fresh.querySelector(`[data-key="${focused}"]`)?.focus();
    this.onShown(fresh.dataset.state, Number(fresh.dataset.done), Number(fresh.dataset.total));
  }
}
