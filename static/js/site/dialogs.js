/** Dialogs open by the buttons' own command and commandfor; here is the same for browsers that lack them. */

/** @param {MouseEvent} event */
function onClick(event) {
  const button = event.target.closest?.("button[commandfor]");
  if (!button) return;
  const dialog = document.getElementById(button.getAttribute("commandfor"));
  if (button.getAttribute("command") === "show-modal") dialog.showModal();
  if (button.getAttribute("command") === "close") dialog.close();
}

/** Stands in for invoker commands where the browser has none. */
export function startDialogs() {
  if (!("commandForElement" in HTMLButtonElement.prototype)) document.addEventListener("click", onClick);
}
