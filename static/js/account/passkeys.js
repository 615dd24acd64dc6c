/**
 * Forms that carry a passkey: the browser asks its owner, and the form is sent with the answer.
 *
 * data-passkey on the form: "create" adds one; "get" uses one of an account; "sign-in" uses one of any account,
 * with a challenge from data-options.
 */

import { announce } from "../shared/announce.js";

/** @returns {boolean} whether this browser offers passkeys on this address */
function offered() {
  // Browsers refuse passkeys for numeric addresses.
  return Boolean(window.PublicKeyCredential) && !/^[\d.]+$|^\[/.test(location.hostname);
}

/** @param {HTMLFormElement} form */
async function options(form) {
  if (form.dataset.passkey !== "sign-in") {
    return JSON.parse(document.getElementById("passkey-options").textContent);
  }
  const response = await fetch(form.dataset.options, { headers: { Accept: "application/json" } });
  if (!response.ok) throw new Error(`no challenge: ${response.status}`);
  return response.json();
}

/** @param {HTMLFormElement} form */
async function answer(form) {
  const { creation_options: toCreate, request_options: toGet } = await options(form);
  if (!toCreate) return window.webauthnJSON.get(toGet);
  // A passkey that its device can find by itself also signs in without an e-mail address. A simple security
  // key cannot, and is a second factor only.
  toCreate.publicKey.authenticatorSelection = {
    ...toCreate.publicKey.authenticatorSelection,
    residentKey: "preferred",
    requireResidentKey: false,
  };
  return window.webauthnJSON.create(toCreate);
}

/**
 * @param {"unsupported" | "failed" | "known"} kind
 */
function show(kind) {
  const problem = document.querySelector("[data-passkey-problem]");
  problem.textContent = problem.dataset[kind];
  problem.hidden = false;
  announce(problem.textContent);
}

/** @param {HTMLFormElement} form */
async function send(form) {
  const button = form.querySelector("[type=submit]");
  button.disabled = true;
  document.querySelector("[data-passkey-problem]").hidden = true;
  try {
    form.elements.credential.value = JSON.stringify(await answer(form));
    form.submit();
  } catch (error) {
    console.info(error);
    show(error.name === "InvalidStateError" ? "known" : "failed");
    button.disabled = false;
  }
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (offered()) send(form);
    else show("unsupported");
  });
}
