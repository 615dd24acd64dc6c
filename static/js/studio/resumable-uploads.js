/**
 * Which upload was begun for which file, kept over a reload: the same file, chosen again, goes on where it stopped.
 * Nothing of the file is kept but its name, size and date.
 */

import { pathOf } from "./file-sources.js";

const PREFIX = "upload:";
const DAY = 24 * 3600 * 1000; // after which the server has swept it, unless its operator is more patient
const LOCK = "uploading:";
const own = LOCK + Math.random().toString(36).slice(2);

/** @type {Set<string>} uploads of this page's own batches: the same file added twice is two pictures */
const inUse = new Set();
/** @type {(() => void) | null} */
let release = null;

/** @param {File} file */
const keyOf = (file) => `${PREFIX}${file.lastModified}|${file.size}|${pathOf(file)}`;

/**
 * @param {File} file
 * @param {string} id
 */
export function keep(file, id) {
  inUse.add(id);
  try {
    localStorage.setItem(keyOf(file), `${Date.now()} ${id}`);
  } catch {
    // Storage is full or closed to us: after a reload this file is uploaded anew.
  }
}

/** @param {File} file its upload became part of a job, or is gone */
export function forget(file) {
  try {
    localStorage.removeItem(keyOf(file));
  } catch {
    // Storage is closed to us: there is nothing to forget.
  }
}

/**
 * @param {File} file
 * @returns {Promise<string>} the id of the upload that an earlier visit began for it; "" where there is none
 */
export async function recall(file) {
  let kept = null;
  try {
    kept = localStorage.getItem(keyOf(file));
  } catch {
    return "";
  }
  const id = kept?.split(" ")[1] ?? "";
  return id && !inUse.has(id) && !(await uploadsElsewhere()) ? id : "";
}

/** Drops what is too old to go on with. */
export function prune() {
  try {
    for (const key of Object.keys(localStorage)) {
      if (key.startsWith(PREFIX) && Number(localStorage.getItem(key).split(" ")[0]) < Date.now() - DAY) localStorage.removeItem(key);
    }
  } catch {
    // Storage is closed to us: there is nothing in it.
  }
}

/** @param {boolean} busy whether this page is uploading, for other tabs to see */
export function holdUploads(busy) {
  if (busy && !release) {
    const held = new Promise((resolve) => (release = resolve));
    navigator.locks?.request(own, () => held);
  } else if (!busy && release) {
    release();
    release = null;
  }
}

// The page that a reload ends does not count any more.
addEventListener("pagehide", () => holdUploads(false));

/** @returns {Promise<boolean>} whether another tab is uploading: what is not submitted is that tab's then */
export async function uploadsElsewhere() {
  const { held = [] } = (await navigator.locks?.query()) ?? {};
  return held.some(({ name }) => name.startsWith(LOCK) && name !== own);
}
