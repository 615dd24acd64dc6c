/** Errors between page and server, with a message for people. */

/** An error that can be shown: what happened and what to do next. */
export class Problem extends Error {
  /**
   * @param {string} sentence for a person
   * @param {{code?: string, transient?: boolean, signIn?: boolean}} [more] transient: a retry may help.
   *   signIn: the session has ended.
   */
  constructor(sentence, { code = "", transient = false, signIn = false } = {}) {
    super(sentence);
    this.name = "Problem";
    this.sentence = sentence;
    this.code = code;
    this.transient = transient;
    this.signIn = signIn;
  }
}

/** @returns {Problem} */
export function networkLost() {
  return new Problem("The connection to the server was lost. Check your network, then try again.", {
    code: "network",
    transient: true,
  });
}

/** @returns {Problem} */
export function signedOut() {
  return new Problem("You are signed out. Sign in again in another tab, come back here and try again.", {
    code: "signed_out",
    signIn: true,
  });
}

/** @returns {Problem} The write permission is short-lived; a retry gets a new one. */
export function storeRefused() {
  return new Problem("The file store did not accept this file. Try again. If it happens again, tell the administrator of this site.", {
    code: "store",
    transient: true,
  });
}

/**
 * Converts an error response of the server.
 * @param {number} status HTTP status, 400 or above
 * @param {unknown} body the parsed JSON body, if there was one: {code, sentence}
 * @returns {Problem}
 */
export function refusal(status, body) {
  const said = /** @type {{code?: string, sentence?: string}} */ (body && typeof body === "object" ? body : {});
  const transient = status >= 500 || status === 429 || status === 408;
  if (said.sentence) return new Problem(said.sentence, { code: said.code, transient });
  if (status === 401 || status === 403) return signedOut();
  if (status === 404) return new Problem("Not found. It may have been deleted in another tab.", { code: "gone" });
  if (status === 413) return new Problem("This file is too large for the server. Make it smaller and add it again.", { code: "too_large" });
  if (status === 429) return new Problem("Too many requests. Wait a minute, then try again.", { code: "throttled", transient });
  if (status >= 500) return new Problem("The server has a problem. Wait a moment, then try again.", { code: "server", transient });
  return new Problem("The server refused the request. Reload the page and try again.", { code: `http_${status}` });
}
