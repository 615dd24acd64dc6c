/** Hides images that fail to load, so that no broken-image icon is shown. */

/** Watches all images of the page, including later ones. */
export function hideMissingPictures() {
  const hide = (image) => image.classList.add("is-missing");
  document.addEventListener("error", (event) => event.target instanceof HTMLImageElement && hide(event.target), true);
  for (const image of document.images) if (image.complete && image.currentSrc && image.naturalWidth === 0) hide(image);
}
