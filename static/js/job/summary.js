/** Refreshes the job page's summary from the server, which counts all pictures; the page shows only some of them. */

import { reached, unreachable } from "../shared/connection-note.js";
import { getHtml } from "../shared/http.js";

const PAUSE = 1500;

export class Summary {
  /** @param {(state: string, done: number, total: number) => void} onShown */
  constructor(onShown) {
    this.onShown = onShown;
    this.timer = 0;
  }

  /** Throttled refresh: at most one request per PAUSE. */
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
      return; // Requests for cards report other problems; the next event retries.
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
