/** The options' own line says what is chosen; the colour field gives its colour to the choice beside it. */

/** @param {HTMLFormElement} form */
function spellOptions(form) {
  const label = (name) => form.querySelector(`[name="${name}"]:checked`)?.dataset.label ?? "";
  const jpeg = form.querySelector('[name="format"]:checked')?.value === "jpeg";
  const transparent = form.querySelector('[name="background"]:checked')?.value === "transparent";
  const background = jpeg && transparent ? "White" : label("background");
  return [`${background} ${label("format")}`, label("refine"), label("model")].filter(Boolean).join(", ");
}

const KEPT = "options";

/** The choices of last time, where the browser keeps them and the form still knows them. */
function recall(form) {
  let kept = {};
  try {
    kept = JSON.parse(localStorage.getItem(KEPT) ?? "{}");
  } catch {
    return; // storage is closed to us, or holds something else: the form's own choices stand
  }
  const custom = document.getElementById("background-custom");
  for (const [name, value] of Object.entries(kept)) {
    const inputs = [...form.querySelectorAll(`#options input[type="radio"][name="${CSS.escape(name)}"]`)];
    const known = inputs.find((input) => input.value === value);
    if (known) known.checked = true;
    else if (name === "background" && /^#[0-9a-f]{6}$/.test(value)) {
      custom.value = form.querySelector('[data-part="colour"]').value = value;
      custom.checked = true;
    }
  }
}

/** @param {HTMLFormElement} form */
function keep(form) {
  try {
    localStorage.setItem(KEPT, JSON.stringify(Object.fromEntries(readRecipe(form))));
  } catch {
    // storage is closed to us: the next visit begins with the form's own choices
  }
}

/**
 * @param {HTMLFormElement} form
 * @param {{remember?: boolean}} [settings] remember: begin with the choices of last time
 */
export function startOptions(form, { remember = false } = {}) {
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
  if (remember) {
    recall(form);
    form.addEventListener("change", () => keep(form));
  }
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
