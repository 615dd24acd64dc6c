/** Uploads one file: start or resume, send the bytes, finish. */

import { csrfToken, isOurs, post } from "../shared/http.js";
import { networkLost, refusal, signedOut, storeRefused } from "../shared/problem.js";
import { pathOf } from "./file-sources.js";
import { keep, recall } from "./resumable-uploads.js";

/**
 * @typedef {{method: string, url: string, fields: Record<string, string>}} Target
 * @typedef {{id: string, state: "uploaded" | "refused", sentence: string}} Uploaded
 */

/**
 * Sends the bytes to the target. Uses XMLHttpRequest, because fetch does not report upload progress.
 * @param {Target} target
 * @param {File} file
 * @param {(part: number) => void} onProgress 0..1
 * @param {AbortSignal} signal
 * @returns {Promise<void>}
 */
function sendBytes(target, file, onProgress, signal) {
  const form = new FormData();
  for (const [name, value] of Object.entries(target.fields)) form.append(name, value);
  form.append("file", file, file.name);
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(target.method, target.url);
    if (isOurs(target.url)) request.setRequestHeader("X-CSRFToken", csrfToken());
    request.responseType = "text";
    request.upload.onprogress = (event) => event.lengthComputable && onProgress(event.loaded / event.total);
    request.onerror = () => reject(networkLost());
    request.ontimeout = () => reject(networkLost());
    request.onabort = () => reject(signal.reason);
    request.onload = () => {
      const ours = isOurs(target.url);
      if (request.status >= 400) reject(ours ? refusal(request.status, parse(request.responseText)) : storeRefused());
      // The sign-in page was returned instead.
      else if (ours && request.status === 200) reject(signedOut());
      else resolve();
    };
    signal.addEventListener("abort", () => request.abort(), { once: true });
    request.send(form);
  });
}

/** @param {string} text */
function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/**
 * Uploads one file. A file that the server validated and refused is a result, not an error.
 * @param {File} file
 * @param {{startUrl: string, resume: string, onStarted: (id: string) => void, onProgress: (part: number) => void, signal: AbortSignal}} options
 *   resume: the upload that an earlier attempt started, or ""
 * @returns {Promise<Uploaded>} throws Problem, or the signal's reason
 */
export async function upload(file, { startUrl, resume, onStarted, onProgress, signal }) {
  const earlier = resume || (await recall(file));
  // Not abortable: the server could have started an upload whose id the page never learns.
  const started = await post(startUrl, { name: pathOf(file), size: file.size, resume: earlier });
  keep(file, started.id);
  onStarted(started.id);
  signal.throwIfAborted();
  if (started.state === "started") await sendBytes(started.target, file, onProgress, signal);
  signal.throwIfAborted();
  try {
    await post(started.finish_url, undefined, { signal });
    return { id: started.id, state: "uploaded", sentence: "" };
  } catch (error) {
    if (error.name !== "Problem" || error.transient || error.signIn) throw error;
    return { id: started.id, state: "refused", sentence: error.sentence };
  }
}
