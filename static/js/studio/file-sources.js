/** Files out of a drop, a picker, a folder or the clipboard. */

/** @type {WeakMap<File, string>} where a dropped file lay: its own properties tell only of picked folders */
const paths = new WeakMap();

/**
 * A file's name with the folders that it came in, so that a ZIP of the results can have them again.
 * @param {File} file
 */
export function pathOf(file) {
  return paths.get(file) || file.webkitRelativePath || file.name;
}

const HEAD_BYTES = 16;

/**
 * What the server says of files that may be pictures (segmentation/pictures/names.py).
 * @typedef {{suffixes: Set<string>, signatures: {at: number, bytes: number[]}[]}} Known
 * @param {DOMStringMap} dataset
 * @returns {Known}
 */
export function knownPictures({ pictureSuffixes, pictureSignatures }) {
  const signatures = pictureSignatures.split(" ").map((text) => {
    const [at, hex] = text.split(":");
    return { at: Number(at), bytes: hex.match(/../g).map((byte) => parseInt(byte, 16)) };
  });
  return { suffixes: new Set(pictureSuffixes.split(" ")), signatures };
}

/**
 * Whether a file is worth sending: by its type or name, or by its first bytes where it has neither. What it really is,
 * the server finds out. Hidden files are none: macOS keeps notes about photo.jpg in ._photo.jpg.
 * @param {File} file
 * @param {Known} known
 */
export async function looksLikePicture(file, known) {
  if (file.name.startsWith(".")) return false;
  if (file.type.startsWith("image/")) return true;
  const [, suffix] = /\.([^.]*)$/.exec(file.name) ?? [];
  if (suffix !== undefined) return known.suffixes.has(suffix.toLowerCase());
  try {
    const head = new Uint8Array(await file.slice(0, HEAD_BYTES).arrayBuffer());
    return known.signatures.some(({ at, bytes }) => bytes.every((byte, index) => head[at + index] === byte));
  } catch {
    return true; // it cannot be read: sending it will say why
  }
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
