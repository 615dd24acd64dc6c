/** The button that shares the ticked pictures: it says how many there are. */

/**
 * @param {HTMLFormElement} form
 * @param {HTMLElement} grid
 */
export function startShareSelected(form, grid) {
  const button = form.querySelector("button");
  const words = button.textContent;
  const update = () => {
    const count = grid.querySelectorAll(".card__select:checked").length;
    button.disabled = count === 0;
    button.textContent = count ? `${words} (${count})` : words;
  };
  grid.addEventListener("change", update);
  update(); // browsers restore ticks after a reload
}
