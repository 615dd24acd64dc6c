/** Polyfill of the invoker attributes `command` and `commandfor` for dialogs. */

/** @param {MouseEvent} event */
function onClick(event) {
  const button = event.target.closest?.("button[commandfor]");
  if (!button) return;
  const dialog = document.getElementById(button.getAttribute("commandfor"));
  if (button.getAttribute("command") === "show-modal") dialog.showModal();
  if (button.getAttribute("command") === "close") dialog.close();
}

/** Activates the polyfill if the browser needs it. */
export function startDialogs() {
  if (!("commandForElement" in HTMLButtonElement.prototype)) document.addEventListener("click", onClick);
}
