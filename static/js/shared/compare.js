/** Shows the original of a cut-out while the picture is pressed, or while its toggle button is on. */

/**
 * @param {Element} card
 * @param {boolean} on
 */
function showOriginal(card, on) {
  const button = card.querySelector("[data-compare]");
  const media = card.querySelector(".card__media");
  let original = media.querySelector(".card__original");
  if (on && !original) {
    original = new Image();
    original.className = "card__original";
    original.draggable = false;
    original.alt = `Original of ${card.querySelector(".card__name").textContent}`;
    original.src = button.dataset.compare;
    media.append(original);
  }
  if (original) original.hidden = !on;
}

/** @param {HTMLElement} root the container of the cards, including later ones */
export function startCompare(root) {
  root.addEventListener("click", (event) => {
    const button = event.target.closest("[data-compare]");
    if (!button) return;
    const on = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(on));
    showOriginal(button.closest(".card"), on);
  });
  root.addEventListener("pointerdown", (event) => {
    const card = event.target.closest(".card__media")?.closest('.card[data-state="done"]');
    if (!card || event.button !== 0) return;
    const pressed = card.querySelector("[data-compare]").getAttribute("aria-pressed") === "true";
    showOriginal(card, !pressed);
    const release = () => {
      showOriginal(card, pressed);
      removeEventListener("pointerup", release);
      removeEventListener("pointercancel", release);
    };
    addEventListener("pointerup", release);
    addEventListener("pointercancel", release);
  });
  // A long press must not open the browser's context menu.
  root.addEventListener("contextmenu", (event) => {
    if (event.pointerType === "touch" && event.target.closest('.card[data-state="done"] .card__media')) event.preventDefault();
  });
}
