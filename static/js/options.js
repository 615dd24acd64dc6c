/** The options' own line says what is chosen; the colour field gives its colour to the choice beside it. */

/** @param {HTMLFormElement} form */
function spellOptions(form) {
  const label = (name) => form.querySelector(`[name="${name}"]:checked`)?.dataset.label ?? "";
  const jpeg = form.querySelector('[name="format"]:checked')?.value === "jpeg";
  const transparent = form.querySelector('[name="background"]:checked')?.value === "transparent";
  const background = jpeg && transparent ? "White" : label("background");
  return [`${background} ${label("format")}`, label("refine"), label("model")].filter(Boolean).join(", ");
}

/** @param {HTMLFormElement} form */
export function startOptions(form) {
  const now = form.querySelector('[data-part="options-now"]');
  const colour = form.querySelector('[data-part="colour"]');
  const custom = document.getElementById("background-custom");
  const show = () => (now.textContent = spellOptions(form));
  colour.addEventListener("input", () => {
    custom.value = colour.value;
    custom.checked = true;
    show();
  });
  form.addEventListener("change", show);
  show();
}

/**
 * @param {HTMLFormElement} form
 * @returns {[string, string][]} the recipe's fields as they stand
 */
export function readRecipe(form) {
  const fields = form.querySelectorAll("#options :is(input:checked, select)[name]");
  return [...fields].map((field) => [field.name, field.value]);
}
