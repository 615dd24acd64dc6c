/** A thumbnail that is not there leaves a quiet frame instead of a broken picture. */

/** Watches every picture of the page, now and later. */
export function hideMissingPictures() {
  const hide = (image) => image.classList.add("is-missing");
  document.addEventListener("error", (event) => event.target instanceof HTMLImageElement && hide(event.target), true);
  for (const image of document.images) if (image.complete && image.currentSrc && image.naturalWidth === 0) hide(image);
}
