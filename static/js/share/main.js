/** Entry point of the shared pages: keys, swipes, and a background that stays from page to page. */

const SWIPE = 60; // pixels
const BACKDROP = "share-backdrop";

/** @param {string} key the name of a key, as in KeyboardEvent.key */
function follow(key) {
  const link = document.querySelector(`#viewer [data-key="${key}"]`);
  if (link instanceof HTMLAnchorElement) location.assign(link.href);
}

function startKeys() {
  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    // Arrow keys on the radio buttons choose a background.
    if (event.target instanceof HTMLInputElement) return;
    follow(event.key);
  });
}

/** @param {Element} media */
function startSwipes(media) {
  /** @type {{x: number, y: number} | null} */
  let from = null;
  media.addEventListener("touchstart", (event) => {
    const [touch] = event.touches;
    from = event.touches.length === 1 ? { x: touch.clientX, y: touch.clientY } : null;
  }, { passive: true });
  media.addEventListener("touchend", (event) => {
    if (!from || visualViewport.scale > 1.01) return;
    const [touch] = event.changedTouches;
    const [right, down] = [touch.clientX - from.x, touch.clientY - from.y];
    from = null;
    if (Math.abs(right) > SWIPE && Math.abs(right) > 2 * Math.abs(down)) follow(right < 0 ? "ArrowRight" : "ArrowLeft");
  }, { passive: true });
}

/** @param {HTMLElement} choice the fieldset of radio buttons */
function keepBackdrop(choice) {
  try {
    const kept = sessionStorage.getItem(BACKDROP) ?? "";
    const radio = choice.querySelector(`input[value="${CSS.escape(kept)}"]`);
    if (radio) radio.checked = true;
    choice.addEventListener("change", (event) => sessionStorage.setItem(BACKDROP, event.target.value));
  } catch {
    // Without storage the choice lasts for this page.
  }
}

const choice = document.getElementById("backdrop");
if (choice) keepBackdrop(choice);
const media = document.querySelector(".share-viewer__media");
if (media) {
  startKeys();
  startSwipes(media);
}
