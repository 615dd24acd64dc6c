/** The view of a batch: title, progress bar, buttons and error note. */

import { announce } from "../shared/announce.js";
import { countOf } from "../shared/format.js";

export class BatchView {
  /** @param {{onStop: () => void, onAgain: () => void, onWithout: () => void}} handlers */
  constructor({ onStop, onAgain, onWithout }) {
    const template = /** @type {HTMLTemplateElement} */ (document.getElementById("batch-template"));
    /** @type {HTMLElement} */
    this.element = document.importNode(template.content.firstElementChild, true);
    this.cards = this.part("cards");
    this.title = this.part("title");
    this.title.tabIndex = -1;
    this.part("stop").addEventListener("click", onStop);
    this.part("dismiss").addEventListener("click", onStop);
    this.part("again").addEventListener("click", onAgain);
    this.part("without").addEventListener("click", onWithout);
  }

  /** @param {string} name @returns {any} */
  part(name) {
    return this.element.querySelector(`[data-part="${name}"]`);
  }

  /** Scrolls to the batch if it starts too far down. */
  reveal() {
    if (this.element.getBoundingClientRect().top > innerHeight * 0.6) this.element.scrollIntoView({ behavior: "smooth", block: "start" });
  }

  /**
   * @param {import("../shared/problem.js").Problem} problem
   * @param {{count?: number, canGoOn?: boolean, canTry?: boolean}} [what] count: the number of interrupted uploads
   */
  showProblem(problem, { count = 0, canGoOn = false, canTry = true } = {}) {
    const prefix = count > 0 ? `${countOf(count, "upload")} failed. ` : "";
    this.part("problem-text").textContent = prefix + problem.sentence;
    this.part("again").hidden = !canTry;
    this.part("without").hidden = !canGoOn;
    this.part("sign-in").hidden = !problem.signIn;
    this.part("problem").hidden = false;
  }

  hideProblem() {
    this.part("problem").hidden = true;
  }

  /**
   * @param {"uploading" | "submitting"} phase
   * @param {number} sent files, including fractions of files
   * @param {number} total
   * @param {number} uploaded complete files
   */
  showUploading(phase, sent, total, uploaded) {
    this.title.textContent = phase === "submitting" ? "Submitting" : "Uploading";
    this.part("count").textContent = `${uploaded} of ${countOf(total)} uploaded`;
    this.part("progress").max = total || 1;
    this.part("progress").value = sent;
  }

  /**
   * @param {"running" | "finished"} phase
   * @param {{url: string, zip_url: string} | null} job null if nothing could be submitted
   * @param {Record<string, number>} counts cards by state
   * @param {number} total
   */
  showJob(phase, job, counts, total) {
    const { done = 0, cancelled = 0 } = counts;
    const failed = (counts.failed ?? 0) + (counts.refused ?? 0);
    const over = phase === "finished";
    this.element.dataset.batch = phase;
    this.title.textContent = !over ? "Cutting out" : done > 0 ? "Ready" : "No cut-outs";
    this.part("count").textContent = [`${done} of ${countOf(total)} done`, failed && `${failed} failed`, cancelled && `${cancelled} cancelled`]
      .filter(Boolean)
      .join(", ");
    this.part("progress").max = total || 1;
    this.part("progress").value = done + failed + cancelled;
    this.part("progress").hidden = over;
    this.part("stop").hidden = true;
    this.part("dismiss").hidden = !over;
    if (job) {
      this.part("open").href = job.url;
      this.part("open").hidden = false;
      this.part("zip").href = job.zip_url;
      this.part("zip").hidden = !over || done === 0;
    }
    const sentence = this.part("count").textContent;
    announce(over ? `Finished: ${sentence}` : sentence, { now: over });
  }
}
