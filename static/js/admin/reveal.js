// A picture of a case is loaded only when a moderator asks for it: each look is written into the audit log.
// The next click blurs it again. Without this script the link opens the picture.

document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-reveal]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) {
    return;
  }
  event.preventDefault();
  const shown = link.querySelector("img");
  if (shown) {
    const blurred = link.classList.toggle("reveal--blurred");
    link.setAttribute("aria-pressed", String(!blurred));
    return;
  }
  const image = document.createElement("img");
  image.alt = link.dataset.alt || "";
  image.addEventListener("error", () => {
    image.remove();
    link.textContent = link.dataset.missing || "–";
  });
  image.src = link.href;
  link.setAttribute("role", "button");
  link.setAttribute("aria-pressed", "true");
  link.replaceChildren(image);
});
