/** Replaces cards with newer ones from the server. A new cut-out appears with a wipe over the original. */

import { nearView } from "./viewport.js";

const DECODE_TIMEOUT = 1500;
const reducedMotion = matchMedia("(prefers-reduced-motion: reduce)");

/**
 * Waits until an image is decoded, with a time-out.
 * @param {HTMLImageElement} image
 */
async function ready(image) {
  image.loading = "eager";
  const late = new Promise((resolve) => setTimeout(resolve, DECODE_TIMEOUT));
  await Promise.race([image.decode().catch(() => undefined), late]);
}

/**
 * Carries the visible image over to the new card: as its image, or as the layer that is wiped away.
 * @param {Element} old
 * @param {Element} fresh
 * @param {boolean} seen
 */
function carryPicture(old, fresh, seen) {
  const shown = old.querySelector(".card__media > :is(canvas, img):not(.card__original, .card__veil)");
  const media = fresh.querySelector(".card__media");
  if (!shown) return;
  if (fresh.dataset.state === "done") {
    if (!seen || reducedMotion.matches) return;
    shown.classList.add("card__veil");
    shown.setAttribute("aria-hidden", "true");
    shown.addEventListener("animationend", () => shown.remove(), { once: true });
    media.append(shown);
  } else if (shown instanceof HTMLCanvasElement) {
    media.querySelector("img, .card__blank")?.remove();
    media.prepend(shown);
  }
}

/** @param {Element} arrived */
async function place(arrived) {
  const old = document.getElementById(arrived.id);
  if (!old || (old.dataset.state === arrived.dataset.state && !("local" in old.dataset))) return;
  const fresh = document.importNode(arrived, true);
  const image = fresh.querySelector(".card__media > img");
  const seen = nearView(old);
  if (seen && image && fresh.dataset.state === "done") await ready(image);
  const focused = old.contains(document.activeElement) && document.activeElement.dataset.key;
  carryPicture(old, fresh, seen);
  old.replaceWith(fresh);
  if (focused) fresh.querySelector(`[data-key="${focused}"]`)?.focus();
}

/**
 * @param {string} html cards as the server rendered them
 * @returns {Promise<void>} when all are in place
 */
export async function placeCards(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  await Promise.all([...template.content.querySelectorAll("article.card")].map(place));
}

/**
 * @param {ParentNode} root
 * @returns {string[]} ids of pictures that are not finished
 */
export function pendingIds(root) {
  const cards = root.querySelectorAll('.card[id^="picture-"]:is([data-state="queued"], [data-state="running"])');
  return [...cards].map((card) => card.id.slice("picture-".length));
}

/**
 * @param {ParentNode} root
 * @returns {Record<string, number>} how many cards are in each state
 */
export function countStates(root) {
  /** @type {Record<string, number>} */
  const counts = {};
  for (const card of root.querySelectorAll(".card")) counts[card.dataset.state] = (counts[card.dataset.state] ?? 0) + 1;
  return counts;
}
