/** Accepts drops anywhere on the page and highlights the drop zone. */

import { filesOfDrop } from "./file-sources.js";

/** @param {DragEvent} event */
function bringsFiles(event) {
  return event.dataTransfer?.types.includes("Files") ?? false;
}

/**
 * @param {HTMLElement} zone
 * @param {(files: File[]) => void} onFiles
 */
export function startDrop(zone, onFiles) {
  let depth = 0; // dragenter and dragleave fire for every element under the pointer
  const over = (by) => {
    depth = Math.max(0, depth + by);
    zone.classList.toggle("is-over", depth > 0);
  };
  document.addEventListener("dragenter", (event) => bringsFiles(event) && over(1));
  document.addEventListener("dragleave", (event) => bringsFiles(event) && over(-1));
  document.addEventListener("dragover", (event) => bringsFiles(event) && event.preventDefault());
  document.addEventListener("drop", async (event) => {
    if (!bringsFiles(event)) return;
    event.preventDefault();
    over(-depth);
    onFiles(await filesOfDrop(event.dataTransfer));
  });
}
