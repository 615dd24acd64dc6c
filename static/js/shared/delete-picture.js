/** Deletes a picture with a confirmation dialog and removes its card, instead of following the link. */

import { announce } from "./announce.js";
import { post } from "./http.js";

const dialog = /** @type {HTMLDialogElement} */ (document.getElementById("delete-picture"));

/** @param {string} name @returns {any} */
const part = (name) => dialog.querySelector(`[data-part="${name}"]`);

/**
 * @param {HTMLElement} root the cards
 * @param {(left: number) => void} onDeleted left: the number of pictures that remain in the job
 */
export function startDeletePicture(root, onDeleted) {
  /** @type {HTMLAnchorElement | null} */
  let link = null;

  root.addEventListener("click", (event) => {
    const clicked = event.target.closest("a[data-delete]");
    if (!clicked || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    link = clicked;
    part("name").textContent = link.dataset.delete;
    part("problem").hidden = true;
    dialog.showModal();
  });

  part("sure").addEventListener("click", async () => {
    const form = new FormData();
    form.append("sure", "yes");
    let left;
    try {
      ({ left } = await post(link.href, form));
    } catch (problem) {
      if (problem.name !== "Problem") throw problem;
      part("problem").textContent = problem.sentence;
      part("problem").hidden = false;
      return;
    }
    const card = link.closest(".card");
    const next = card.nextElementSibling ?? card.previousElementSibling;
    dialog.close();
    card.remove();
    next?.querySelector("a, button")?.focus();
    announce(`${link.dataset.delete} was deleted`, { now: true });
    onDeleted(left);
  });
}
