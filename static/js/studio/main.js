/** Entry point of the studio: turns files from drops, pickers, folders and the clipboard into batches. */

import { startCompare } from "../shared/compare.js";
import { startDeletePicture } from "../shared/delete-picture.js";
import { countOf } from "../shared/format.js";
import { readRecipe, startOptions } from "../shared/options.js";
import { Batch } from "./batch.js";
import { startDrop } from "./drop.js";
import { knownPictures, looksLikePicture } from "./file-sources.js";
import { startPaste } from "./paste.js";
import { holdUploads, prune, uploadsElsewhere } from "./resumable-uploads.js";

const form = /** @type {HTMLFormElement} */ (document.getElementById("studio"));
const list = document.getElementById("batches");
const leftOut = document.getElementById("left-out");
const earlier = document.getElementById("earlier");
const title = document.title;
const known = knownPictures(form.dataset);

/** @type {Batch[]} */
let batches = [];

function onChange() {
  batches = batches.filter((batch) => batch.phase !== "gone");
  form.classList.toggle("has-batches", batches.length > 0);
  holdUploads(batches.some((batch) => batch.unsaved));
  const cards = list.querySelectorAll(".card");
  const over = list.querySelectorAll('.card:is([data-state="done"], [data-state="failed"], [data-state="refused"], [data-state="cancelled"])');
  document.title = over.length < cards.length ? `(${over.length}/${cards.length}) ${title}` : title;
}

/** @param {File[]} skipped */
function showSkipped(skipped) {
  leftOut.hidden = skipped.length === 0;
  if (skipped.length === 0) return;
  const names = skipped.slice(0, 3).map((file) => file.name).join(", ");
  const more = skipped.length > 3 ? " and others" : "";
  leftOut.querySelector('[data-part="left-out-text"]').textContent =
    `Skipped, not a picture: ${countOf(skipped.length, "file")} (${names}${more}).`;
}

/** @param {File[]} files */
async function addFiles(files) {
  const accepted = await Promise.all(files.map((file) => looksLikePicture(file, known)));
  const pictures = files.filter((_, index) => accepted[index]);
  showSkipped(files.filter((_, index) => !accepted[index]));
  if (pictures.length === 0) return;
  earlier?.remove(); // some of these uploads may be in the new batch
  const { uploadStart: startUrl, uploadDiscard: discardUrl } = form.dataset;
  const batch = new Batch({ startUrl, discardUrl, submitUrl: form.action, readRecipe: () => readRecipe(form), onChange });
  batches.push(batch);
  list.prepend(batch.view.element);
  batch.add(pictures);
  batch.view.reveal();
}

/** @param {HTMLInputElement} input */
function takeFrom(input) {
  input.addEventListener("change", () => {
    addFiles([...input.files]);
    input.value = "";
  });
}

const picker = /** @type {HTMLInputElement} */ (document.getElementById("pictures"));
const folderPicker = form.querySelector('[data-part="folder-input"]');
const zone = document.getElementById("dropzone");

takeFrom(picker);
takeFrom(folderPicker);
form.querySelector('[data-part="folder"]').addEventListener("click", () => folderPicker.click());
zone.addEventListener("click", (event) => !event.target.closest("label, button, input") && picker.click());
form.querySelector('[data-part="left-out-close"]').addEventListener("click", () => (leftOut.hidden = true));
// This script submits files itself; the form only submits earlier uploads.
form.addEventListener("submit", (event) => event.submitter?.name !== "earlier" && event.preventDefault());
startDrop(zone, addFiles);
startPaste(addFiles);
startOptions(form, { remember: true });
startCompare(list);
startDeletePicture(list, () => batches.forEach((batch) => batch.recount()));
prune();
// Files may be chosen before this script has loaded. Files that the browser restores after a reload are ignored.
if (picker.files.length > 0 && performance.getEntriesByType("navigation")[0]?.type === "navigate") picker.dispatchEvent(new Event("change"));
if (earlier && (await uploadsElsewhere())) earlier.remove();

addEventListener("beforeunload", (event) => {
  if (batches.some((batch) => batch.unsaved)) event.preventDefault();
});
