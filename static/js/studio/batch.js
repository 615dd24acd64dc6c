/** Files that were added together. They are uploaded, submitted as one job and watched until the job ends. */

import { announce } from "../shared/announce.js";
import { countStates } from "../shared/cards.js";
import { countOf } from "../shared/format.js";
import { post } from "../shared/http.js";
import { LiveJob } from "../shared/live-job.js";
import { BatchView } from "./batch-view.js";
import { FileCard } from "./file-card.js";
import { forget } from "./resumable-uploads.js";
import { withRetries } from "./retry.js";
import { Queue } from "./task-queue.js";
import { upload } from "./upload.js";

const uploads = new Queue(4);

/**
 * @typedef {"waiting" | "uploading" | "uploaded" | "refused" | "interrupted"} ItemState
 * @typedef {{file: File, card: FileCard, state: ItemState, part: number, startedId: string, uploadId: string, problem: any, abort: AbortController}} Item
 * startedId: the server's id of the upload. uploadId: the same id, once the server has validated the file.
 * @typedef {{startUrl: string, submitUrl: string, discardUrl: string, readRecipe: () => [string, string][], onChange: () => void}} Studio
 */

export class Batch {
  /** @param {Studio} studio */
  constructor(studio) {
    this.studio = studio;
    /** @type {Item[]} */
    this.items = [];
    /** @type {"uploading" | "submitting" | "running" | "finished" | "gone"} */
    this.phase = "uploading";
    this.job = null;
    this.view = new BatchView({
      onStop: () => this.stop(),
      onAgain: () => this.again(),
      onWithout: () => this.goOnWithout(),
    });
  }

  /** Whether leaving the page would lose data. */
  get unsaved() {
    return this.phase === "uploading" || this.phase === "submitting";
  }

  /** @param {File[]} files */
  add(files) {
    const cards = new DocumentFragment();
    for (const file of files) {
      /** @type {Item} */
      const item = { file, card: null, state: "waiting", part: 0, startedId: "", uploadId: "", problem: null, abort: new AbortController() };
      item.card = new FileCard(file, { onRetry: () => this.retry([item]), onRemove: () => this.remove(item) });
      this.items.push(item);
      cards.append(item.card.element);
      uploads.add(() => this.#send(item));
    }
    this.view.cards.append(cards);
    this.#show();
  }

  /** @param {Item} item */
  async #send(item) {
    if (item.state !== "waiting" || item.abort.signal.aborted) return;
    this.#become(item, "uploading");
    const { signal } = item.abort;
    const onProgress = (part) => {
      item.part = part;
      item.card.showProgress(part);
      this.#showSoon();
    };
    const onStarted = (id) => {
      item.startedId = id;
      // The upload started although the batch was stopped meanwhile.
      if (signal.aborted) this.#discard([item]);
    };
    const { startUrl } = this.studio;
    try {
      const result = await withRetries(() => upload(item.file, { startUrl, resume: item.startedId, onStarted, onProgress, signal }), signal);
      item.uploadId = result.id;
      this.#become(item, result.state, result.sentence);
    } catch (problem) {
      if (signal.aborted) return;
      if (problem.name !== "Problem") throw problem;
      item.problem = problem;
      this.#become(item, problem.transient || problem.signIn ? "interrupted" : "refused", problem.sentence);
    }
    this.#settle();
  }

  /**
   * @param {Item} item
   * @param {ItemState} state
   * @param {string} [sentence]
   */
  #become(item, state, sentence = "") {
    item.state = state;
    item.card.show(state, sentence);
  }

  /** @param {ItemState} state */
  #in(state) {
    return this.items.filter((item) => item.state === state);
  }

  /** Submits once all uploads have ended; asks first if some were interrupted. */
  #settle() {
    this.#show();
    if (this.phase !== "uploading") return;
    if (this.#in("waiting").length + this.#in("uploading").length > 0) return;
    const interrupted = this.#in("interrupted");
    if (interrupted.length > 0) this.view.showProblem(interrupted[0].problem, { count: interrupted.length, canGoOn: this.#in("uploaded").length > 0 });
    else if (this.items.length === 0) this.#leave();
    else if (this.#in("uploaded").length > 0) this.submit();
    else {
      this.phase = "finished";
      this.#show();
    }
  }

  /** @param {Item[]} items */
  retry(items) {
    this.view.hideProblem();
    for (const item of items) {
      this.#become(item, "waiting");
      uploads.add(() => this.#send(item));
    }
    this.#show();
  }

  /** Retries the interrupted uploads or the submission. */
  again() {
    if (this.phase === "submitting") this.submit();
    else this.retry(this.#in("interrupted"));
  }

  goOnWithout() {
    this.view.hideProblem();
    this.#drop(this.#in("interrupted"));
    this.#settle();
  }

  /** @param {Item[]} items */
  #drop(items) {
    for (const item of items) item.card.element.remove();
    this.#discard(items);
    this.items = this.items.filter((other) => !items.includes(other));
  }

  /**
   * Aborts uploads and deletes their bytes on the server, instead of leaving them to its cleanup.
   * @param {Item[]} items
   */
  #discard(items) {
    const form = new FormData();
    for (const item of items) {
      item.abort.abort();
      forget(item.file);
      if (item.startedId) form.append("uploads", item.startedId);
    }
    // If this fails, the server's cleanup deletes them.
    if (form.has("uploads")) post(this.studio.discardUrl, form).catch(() => undefined);
  }

  /** @param {Item} item */
  remove(item) {
    const next = item.card.element.nextElementSibling ?? item.card.element.previousElementSibling;
    this.#drop([item]);
    (next?.querySelector('[data-part="remove"]') ?? this.view.title).focus();
    if (this.#in("interrupted").length === 0) this.view.hideProblem();
    if (this.items.length === 0) this.#leave();
    else this.#settle();
  }

  /** Discards a batch that is not submitted; otherwise only removes it from the page. */
  stop() {
    this.live?.stop();
    if (this.unsaved) this.#discard(this.items);
    if (this.unsaved) announce("Batch stopped, nothing was submitted", { now: true });
    this.#leave();
  }

  #leave() {
    this.phase = "gone";
    this.view.element.remove();
    this.studio.onChange();
  }

  async submit() {
    this.phase = "submitting";
    this.view.hideProblem();
    this.#show();
    const form = new FormData();
    for (const item of this.items) if (item.uploadId) form.append("uploads", item.uploadId);
    for (const [name, value] of this.studio.readRecipe()) form.append(name, value);
    try {
      this.job = await post(this.studio.submitUrl, form);
    } catch (problem) {
      if (problem.name !== "Problem") throw problem;
      this.view.showProblem(problem);
      return;
    }
    for (const item of this.items) forget(item.file);
    if (this.phase === "gone") return;
    this.phase = "running";
    this.#watch();
  }

  #watch() {
    for (const picture of this.job.pictures) {
      const item = this.items.find((one) => one.uploadId === picture.upload);
      item?.card.becomePicture(picture);
    }
    this.live = new LiveJob({
      cardsUrl: this.job.cards_url,
      eventsUrl: this.job.events_url,
      root: this.view.cards,
      onNews: () => this.#show(),
      onEnd: () => {
        this.phase = "finished";
        this.#show();
      },
      onProblem: (problem) => this.view.showProblem(problem, { canTry: false }),
    });
    this.live.start();
    this.live.hint(this.job.pictures.filter(({ state }) => state === "failed").map(({ id }) => id));
    this.#show();
  }

  /** Updates the counts after cards were removed. */
  recount() {
    this.#show();
  }

  #showSoon() {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.#show();
    });
  }

  #show() {
    if (this.phase === "gone") return;
    const counts = countStates(this.view.cards);
    if (this.unsaved) {
      const parts = this.items.map((item) => (item.state === "uploaded" || item.state === "refused" ? 1 : item.state === "uploading" ? item.part : 0));
      const uploaded = this.#in("uploaded").length;
      this.view.showUploading(this.phase, parts.reduce((sum, part) => sum + part, 0), this.items.length, uploaded);
      announce(`${uploaded} of ${countOf(this.items.length)} uploaded`);
    } else this.view.showJob(this.phase, this.job, counts, this.view.cards.childElementCount);
    this.studio.onChange();
  }
}
