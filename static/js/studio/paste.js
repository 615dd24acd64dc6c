/** Accepts pictures pasted anywhere on the page. */

const EXTENSIONS = { "image/png": "png", "image/jpeg": "jpg", "image/webp": "webp", "image/gif": "gif" };

/**
 * Browsers name every pasted picture image.png; adding the time makes the names distinct.
 * @param {File} file
 * @param {Date} now
 */
function named(file, now) {
  if (!/^image\.\w+$/.test(file.name)) return file;
  const time = now.toTimeString().slice(0, 8).replaceAll(":", "-");
  return new File([file], `pasted ${time}.${EXTENSIONS[file.type] ?? "png"}`, { type: file.type });
}

/** @param {(files: File[]) => void} onFiles */
export function startPaste(onFiles) {
  document.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length === 0) return;
    event.preventDefault();
    onFiles(files.map((file) => named(file, new Date())));
  });
}
