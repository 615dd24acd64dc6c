/** The options form: its summary line, and the colour field that belongs to "Own colour". */

/** @param {HTMLFormElement} form */
function spellOptions(form) {
  const label = (name) => form.querySelector(`[name="${name}"]:checked`)?.dataset.label ?? "";
  const jpeg = form.querySelector('[name="format"]:checked')?.value === "jpeg";
  const transparent = form.querySelector('[name="background"]:checked')?.value === "transparent";
  const background = jpeg && transparent ? "White" : label("background");
  const more = [...form.querySelectorAll("#options [data-default]")]
    .filter((field) => field.value.trim() !== field.dataset.default)
    .map((field) => `${field.dataset.name}: ${field.selectedOptions?.[0].text ?? field.value.trim()}`);
  return [`${background} ${label("format")}`, label("refine"), label("model"), ...more].filter(Boolean).join(", ");
}

const KEPT = "options";

/** Restores the choices of last time if the browser kept them and the form still offers them. */
function recall(form) {
  let kept = {};
  try {
    kept = JSON.parse(localStorage.getItem(KEPT) ?? "{}");
  } catch {
    return; // no storage, or no JSON in it: the form keeps its own choices
  }
  const custom = document.getElementById("background-custom");
  for (const [name, value] of Object.entries(kept)) {
    const inputs = [...form.querySelectorAll(`#options input[type="radio"][name="${CSS.escape(name)}"]`)];
    const known = inputs.find((input) => input.value === value);
    if (known) known.checked = true;
    else if (name === "background" && /^#[0-9a-f]{6}$/.test(value)) {
      custom.value = form.querySelector('[data-part="colour"]').value = value;
      custom.checked = true;
    } else restore(form.querySelector(`#options [data-default][name="${CSS.escape(name)}"]`), value);
  }
}

/**
 * @param {HTMLInputElement | HTMLSelectElement | null} field of "More options"; null if there is none of that name
 * @param {string} value
 */
function restore(field, value) {
  if (!field || (field.options && ![...field.options].some((option) => option.value === value))) return;
  field.value = value;
  if (value !== field.dataset.default) field.closest("details").open = true;
}

/** @param {HTMLFormElement} form */
function keep(form) {
  try {
    localStorage.setItem(KEPT, JSON.stringify(Object.fromEntries(readRecipe(form))));
  } catch {
    // no storage: the next visit starts with the form's own choices
  }
}

/**
 * @param {HTMLFormElement} form
 * @param {{remember?: boolean}} [settings] remember: start with the choices of last time
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
 * @returns {[string, string][]} the recipe's fields and their values
 */
export function readRecipe(form) {
  const fields = form.querySelectorAll("#options :is(input:checked, input[type=text], select)[name]");
  return [...fields].map((field) => [field.name, field.value]);
}
