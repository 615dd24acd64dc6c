/**
 * Remembers in local storage which upload was started for which file, so that choosing the file again after a reload
 * resumes the upload. Only the file's name, size and date are stored.
 */

import { pathOf } from "./file-sources.js";

const PREFIX = "upload:";
const DAY = 24 * 3600 * 1000; // the server's default retention of unfinished uploads
const LOCK = "uploading:";
const own = LOCK + Math.random().toString(36).slice(2);

/** @type {Set<string>} uploads of this page's batches: the same file added twice is two pictures */
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
    // Local storage is full or not accessible: after a reload this file is uploaded again.
  }
}

/** @param {File} file a file whose upload is in a job or was deleted */
export function forget(file) {
  try {
    localStorage.removeItem(keyOf(file));
  } catch {
    // No access to local storage: there is nothing to forget.
  }
}

/**
 * @param {File} file
 * @returns {Promise<string>} the id of the upload that an earlier visit started; "" if there is none
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

/** Removes entries that are too old to resume. */
export function prune() {
  try {
    for (const key of Object.keys(localStorage)) {
      if (key.startsWith(PREFIX) && Number(localStorage.getItem(key).split(" ")[0]) < Date.now() - DAY) localStorage.removeItem(key);
    }
  } catch {
    // No access to local storage: there is nothing in it.
  }
}

/** @param {boolean} busy whether this page is uploading; other tabs can see it */
export function holdUploads(busy) {
  if (busy && !release) {
    const held = new Promise((resolve) => (release = resolve));
    navigator.locks?.request(own, () => held);
  } else if (!busy && release) {
    release();
    release = null;
  }
}

// A page that is being reloaded no longer counts.
addEventListener("pagehide", () => holdUploads(false));

/** @returns {Promise<boolean>} whether another tab is uploading; unsubmitted uploads then belong to that tab */
export async function uploadsElsewhere() {
  const { held = [] } = (await navigator.locks?.query()) ?? {};
  return held.some(({ name }) => name.startsWith(LOCK) && name !== own);
}
