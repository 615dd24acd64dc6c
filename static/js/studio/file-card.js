/** The card of a local file, until the server's own card replaces it. */

import { spellBytes } from "../shared/format.js";
import { thumbnailWhenSeen } from "./local-thumbnails.js";

const STATES = {
  waiting: "Waiting",
  uploading: "Uploading",
  uploaded: "Uploaded",
  refused: "Refused",
  interrupted: "Interrupted",
  queued: "Waiting",
  failed: "No cut-out",
};

export class FileCard {
  /**
   * @param {File} file
   * @param {{onRetry: () => void, onRemove: () => void}} handlers
   */
  constructor(file, { onRetry, onRemove }) {
    const template = /** @type {HTMLTemplateElement} */ (document.getElementById("file-template"));
    /** @type {HTMLElement} */
    this.element = document.importNode(template.content.firstElementChild, true);
    this.part("name").textContent = file.name;
    this.part("name").title = file.name;
    this.part("facts").textContent = spellBytes(file.size);
    this.part("progress").setAttribute("aria-label", `Upload of ${file.name}`);
    this.part("retry").addEventListener("click", onRetry);
    this.part("remove").addEventListener("click", onRemove);
    this.part("remove").setAttribute("aria-label", `Remove ${file.name}`);
    thumbnailWhenSeen(this.part("media"), file);
  }

  /** @param {string} name @returns {any} */
  part(name) {
    return this.element.querySelector(`[data-part="${name}"]`);
  }

  /**
   * @param {string} state
   * @param {string} [sentence] the reason for a failure
   */
  show(state, sentence = "") {
    this.element.dataset.state = state;
    this.part("state").textContent = STATES[state];
    this.part("progress").hidden = state !== "uploading";
    this.part("retry").hidden = state !== "interrupted";
    this.part("sentence").hidden = !sentence;
    this.part("sentence").textContent = sentence;
  }

  /** @param {number} part 0..1 */
  showProgress(part) {
    this.part("progress").value = part;
  }

  /**
   * Binds the card to a picture of the server, so that the server's cards replace it.
   * @param {{id: string, state: string}} picture
   */
  becomePicture({ id, state }) {
    this.element.id = `picture-${id}`;
    this.show(state in STATES ? state : "queued");
    this.part("remove").remove();
  }
}
