/** Before/after slider: a range input moves the edge between the two images. */

/** Activates every `.compare` of the page. */
export function startCompareSliders() {
  for (const frame of document.querySelectorAll(".compare")) {
    const range = frame.querySelector("input[type=range]");
    const show = () => frame.style.setProperty("--edge-at", `${range.value}%`);
    range.addEventListener("input", show);
    show();
  }
}
