/** A task queue with limited concurrency. */

export class Queue {
  /** @param {number} limit how many run at once */
  constructor(limit) {
    this.limit = limit;
    this.running = 0;
    /** @type {(() => Promise<void>)[]} */
    this.waiting = [];
  }

  /**
   * @param {() => Promise<void>} task handles its own failures
   */
  add(task) {
    this.waiting.push(task);
    this.#next();
  }

  #next() {
    while (this.running < this.limit && this.waiting.length > 0) {
      this.running += 1;
      this.waiting.shift()().finally(() => {
        this.running -= 1;
        this.#next();
      });
    }
  }
}
