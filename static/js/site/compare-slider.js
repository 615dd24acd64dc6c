/** Before and after with an edge between them: a range input carries its value to the picture. */

/** Wires every `.compare` of the page. */
export function startCompareSliders() {
  for (const frame of document.querySelectorAll(".compare")) {
    const range = frame.querySelector("input[type=range]");
    const show = () => frame.style.setProperty("--edge-at", `${range.value}%`);
    range.addEventListener("input", show);
    show();
  }
}
