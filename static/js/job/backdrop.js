/** The preview background of cut-outs: a bad edge is visible on one colour and hidden on another. */

/**
 * @param {HTMLElement} choice the fieldset of radio buttons
 * @param {HTMLElement} grid
 */
export function startBackdrop(choice, grid) {
  choice.addEventListener("change", (event) => (grid.dataset.backdrop = event.target.value));
  const checked = choice.querySelector("input:checked"); // browsers restore it after a reload
  if (checked) grid.dataset.backdrop = checked.value;
}
