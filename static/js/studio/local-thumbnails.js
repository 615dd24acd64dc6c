/** Thumbnails of local files: drawn when they come into view, two at a time, without keeping full images in memory. */

import { nearView } from "../shared/viewport.js";
import { Queue } from "./task-queue.js";

const SIDE = 320;
const decoding = new Queue(2);
/** @type {WeakMap<Element, File>} */
const files = new WeakMap();

const seen = new IntersectionObserver(
  (entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      seen.unobserve(entry.target);
      decoding.add(() => draw(entry.target, files.get(entry.target)));
    }
  },
  { rootMargin: "300px" },
);

/**
 * @param {Element} frame the card's media element
 * @param {File} file
 */
async function draw(frame, file) {
  if (!frame.isConnected) return;
  if (!nearView(frame)) return void seen.observe(frame); // no longer visible: draw others first
  let bitmap;
  try {
    bitmap = await createImageBitmap(file, { resizeWidth: SIDE, resizeQuality: "medium" });
  } catch {
    return; // The browser cannot decode it. Keep the placeholder; the server validates the file.
  }
  const canvas = document.createElement("canvas");
  canvas.width = bitmap.width;
  canvas.height = bitmap.height;
  canvas.getContext("2d").drawImage(bitmap, 0, 0);
  bitmap.close();
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", file.name);
  frame.querySelector(".card__blank")?.remove();
  frame.prepend(canvas);
}

/**
 * @param {Element} frame
 * @param {File} file
 */
export function thumbnailWhenSeen(frame, file) {
  files.set(frame, file);
  seen.observe(frame);
}
