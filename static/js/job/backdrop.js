/** What cut-outs are looked at on: a bad edge shows on one colour and hides on another. */

/**
 * @param {HTMLElement} choice the fieldset of radio buttons
 * @param {HTMLElement} grid
 */
export function startBackdrop(choice, grid) {
  choice.addEventListener("change", (event) => (grid.dataset.backdrop = event.target.value));
  const checked = choice.querySelector("input:checked"); // browsers keep it over a reload
  if (checked) grid.dataset.backdrop = checked.value;
}
