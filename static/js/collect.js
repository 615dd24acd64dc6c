/** Files out of a drop, a picker, a folder or the clipboard. */

const PICTURE_NAME = /\.(jpe?g|jfif|png|webp|gif|bmp|tiff?|heic|heif|avif|jp2|j2k|apng|mpo)$/i;

/** @type {WeakMap<File, string>} where a dropped file lay: its own properties tell only of picked folders */
const paths = new WeakMap();

/**
 * A file's name with the folders that it came in, so that a ZIP of the results can have them again.
 * @param {File} file
 */
export function pathOf(file) {
  return paths.get(file) || file.webkitRelativePath || file.name;
}

/**
 * Whether a file is worth sending: by its type or its name. What it really is, the server finds out.
 * @param {File} file
 */
export function looksLikePicture(file) {
  return file.type.startsWith("image/") || PICTURE_NAME.test(file.name);
}

/**
 * @param {FileSystemDirectoryEntry} folder
 * @returns {Promise<FileSystemEntry[]>} readEntries gives a hundred at a time
 */
async function entriesOf(folder) {
  const reader = folder.createReader();
  const all = [];
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return all;
    all.push(...some);
  }
}

/**
 * @param {FileSystemEntry} entry
 * @returns {Promise<File[]>} of a folder: everything below it
 */
async function filesOf(entry) {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    paths.set(file, entry.fullPath.replace(/^\//, ""));
    return [file];
  }
  const files = [];
  for (const inner of await entriesOf(entry)) files.push(...(await filesOf(inner)));
  return files;
}

/**
 * @param {DataTransfer} transfer
 * @returns {Promise<File[]>}
 */
export async function filesOfDrop(transfer) {
  // The items die with the event: take their entries before the first await.
  const entries = [...transfer.items].filter((item) => item.kind === "file").map((item) => item.webkitGetAsEntry?.());
  if (entries.length === 0 || entries.some((entry) => !entry)) return [...transfer.files];
  const files = [];
  for (const entry of entries) files.push(...(await filesOf(entry)));
  return files;
}
