/** Sends a thumb up or down without a reload, and asks for one after a download. */

import { announce } from "../shared/announce.js";
import { post } from "../shared/http.js";
import { showProblem } from "./problem-note.js";

const SAID = { up: "marked as good", down: "marked as not good", none: "has no opinion of yours any more" };

/**
 * @param {HTMLFormElement} form
 * @param {string} html the form as the server rendered it
 * @returns {HTMLFormElement} the new form, in the place of the old one
 */
function replace(form, html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  const fresh = document.importNode(template.content.querySelector("form"), true);
  form.replaceWith(fresh);
  return fresh;
}

/**
 * @param {HTMLFormElement} form
 * @param {HTMLButtonElement} button
 */
async function send(form, button) {
  const body = new FormData(form);
  body.set("verdict", button.value);
  // The reasons on the page belong to a thumb down.
  if (button.value !== "down") for (const name of ["reasons", "words"]) body.delete(name);
  const { html, verdict } = await post(form.action, body);
  const fresh = replace(form, html);
  const why = fresh.querySelector("details[open]");
  const next = why ? why.querySelector("input") : fresh.querySelector(`[data-key="${button.dataset.key}"], summary`);
  (next ?? fresh.querySelector("button")).focus();
  announce(`${fresh.dataset.thumbs}: ${SAID[verdict]}`, { now: true });
}

/** @param {HTMLElement} cards */
export function startThumbs(cards) {
  cards.addEventListener("submit", async (event) => {
    const form = event.target.closest("form[data-thumbs]");
    if (!form) return;
    event.preventDefault();
    if (form.dataset.sending) return;
    form.dataset.sending = "true";
    try {
      await send(form, /** @type {HTMLButtonElement} */ (event.submitter ?? form.querySelector("button")));
    } catch (problem) {
      if (problem.name !== "Problem") throw problem;
      showProblem(problem, cards.dataset.signIn);
    } finally {
      delete form.dataset.sending;
    }
  });

  cards.addEventListener("click", (event) => {
    const card = event.target.closest('a[data-key="download"]')?.closest(".card");
    const form = card?.querySelector("form[data-thumbs]");
    if (form && !form.querySelector('[aria-pressed="true"]')) form.dataset.asked = "true";
  });
}
