/** Reads files from drops, pickers, folders and the clipboard. */

/** @type {WeakMap<File, string>} paths of dropped files; webkitRelativePath exists for picked folders only */
const paths = new WeakMap();

/**
 * A file's path below the chosen folder. The ZIP of the results has the same folders.
 * @param {File} file
 */
export function pathOf(file) {
  return paths.get(file) || file.webkitRelativePath || file.name;
}

const HEAD_BYTES = 16;

/**
 * The server's list of picture suffixes and signatures (segmentation/pictures/names.py).
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
 * Whether to send a file: judged by its type or name, or by its first bytes if it has neither. The server validates the
 * content. Hidden files are skipped: macOS stores metadata of photo.jpg in ._photo.jpg.
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
    return true; // unreadable: the upload will report the reason
  }
}

/**
 * @param {FileSystemDirectoryEntry} folder
 * @returns {Promise<FileSystemEntry[]>} all entries; readEntries returns at most a hundred
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
 * @returns {Promise<File[]>} for a folder: all files below it
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
  // The items are only valid during the event: take their entries before the first await.
  const entries = [...transfer.items].filter((item) => item.kind === "file").map((item) => item.webkitGetAsEntry?.());
  if (entries.length === 0 || entries.some((entry) => !entry)) return [...transfer.files];
  const files = [];
  for (const entry of entries) files.push(...(await filesOf(entry)));
  return files;
}
