/** Bulk selection in the history: the "all" checkbox and the count of selected jobs. */

import { countOf } from "../shared/format.js";

const all = /** @type {HTMLInputElement} */ (document.getElementById("bulk-all"));
const count = document.getElementById("bulk-count");
const form = /** @type {HTMLFormElement} */ (document.getElementById("bulk"));

/** @returns {HTMLInputElement[]} */
const boxes = () => [...document.querySelectorAll('input[name="jobs"][form="bulk"]')];

function show() {
  const chosen = boxes().filter((box) => box.checked).length;
  all.checked = chosen > 0 && chosen === boxes().length;
  all.indeterminate = chosen > 0 && !all.checked;
  count.textContent = chosen === 0 ? "None selected" : `${countOf(chosen, "job")} selected`;
  for (const button of form.querySelectorAll("button")) button.disabled = chosen === 0;
}

if (form) {
  all.addEventListener("change", () => {
    for (const box of boxes()) box.checked = all.checked;
    show();
  });
  document.addEventListener("change", (event) => event.target.matches('input[name="jobs"]') && show());
  // After "Back", browsers restore checkboxes after this script has run.
  addEventListener("pageshow", show);
  show();
}
