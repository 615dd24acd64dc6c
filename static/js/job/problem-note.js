/** Shows a problem at the top of the page. */

/**
 * @param {import("../shared/problem.js").Problem} problem
 * @param {string} signInUrl
 */
export function showProblem(problem, signInUrl) {
  const note = document.createElement("div");
  note.className = "note note--error";
  const text = document.createElement("p");
  text.textContent = problem.sentence;
  note.append(text);
  if (problem.signIn) {
    const link = document.createElement("a");
    link.className = "button";
    link.href = `${signInUrl}?next=${encodeURIComponent(location.pathname)}`;
    link.textContent = "Sign in again";
    note.append(link);
  }
  document.getElementById("messages").replaceChildren(note);
}
