/** Requests to our own server. Every failure is thrown as a Problem. */

import { networkLost, refusal, signedOut } from "./problem.js";

/** @returns {string} Prefers the cookie: after a sign-in in another tab it is newer than the form's field. */
export function csrfToken() {
  const start = `${document.documentElement.dataset.csrfCookie ?? "csrftoken"}=`;
  const cookie = document.cookie.split("; ").find((part) => part.startsWith(start));
  if (cookie) return decodeURIComponent(cookie.slice(start.length));
  return document.querySelector("[name=csrfmiddlewaretoken]")?.value ?? "";
}

/** @param {string} url */
export function isOurs(url) {
  return new URL(url, location.href).origin === location.origin;
}

/**
 * @param {string} url
 * @param {RequestInit} options
 * @returns {Promise<Response>} a successful response; throws Problem otherwise
 */
async function request(url, options) {
  let response;
  try {
    // A redirect from these URLs leads to the sign-in page: do not follow it.
    response = await fetch(url, { credentials: "same-origin", redirect: "manual", ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw networkLost();
  }
  if (response.type === "opaqueredirect") throw signedOut();
  if (response.ok) return response;
  throw refusal(response.status, await response.json().catch(() => null));
}

/**
 * @param {string} url
 * @param {object | FormData | undefined} body an object is sent as JSON
 * @param {{signal?: AbortSignal}} [options]
 * @returns {Promise<any>} the response's JSON
 */
export async function post(url, body, { signal } = {}) {
  const headers = { Accept: "application/json", "X-CSRFToken": csrfToken() };
  const isForm = body instanceof FormData;
  if (!isForm) headers["Content-Type"] = "application/json";
  const response = await request(url, { method: "POST", headers, body: isForm ? body : JSON.stringify(body ?? {}), signal });
  return response.json();
}

/**
 * @param {string} url
 * @param {{signal?: AbortSignal}} [options]
 * @returns {Promise<{html: string, headers: Headers}>}
 */
export async function getHtml(url, { signal } = {}) {
  const response = await request(url, { headers: { Accept: "text/html" }, signal, cache: "no-store" });
  return { html: await response.text(), headers: response.headers };
}
