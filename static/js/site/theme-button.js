/** The button that cycles through the themes: system, light, dark. */

const THEMES = ["auto", "light", "dark"];
const NAMES = { auto: "system", light: "light", dark: "dark" };

/** @returns {"auto" | "light" | "dark"} */
function current() {
  return document.documentElement.dataset.theme ?? "auto";
}

/** @param {string} theme */
function choose(theme) {
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  try {
    localStorage.setItem("theme", theme);
  } catch {
    // No access to local storage: the choice holds for this page only.
  }
}

/** @param {HTMLButtonElement} button */
function show(button) {
  const theme = current();
  for (const icon of button.querySelectorAll("[data-theme-icon]")) icon.hidden = icon.dataset.themeIcon !== theme;
  button.querySelector("[data-theme-name]").textContent = `Colours: ${NAMES[theme]}`;
  button.title = `Colours: ${NAMES[theme]}`;
}

/** Activates every theme button of the page. */
export function startThemeButton() {
  for (const button of document.querySelectorAll("[data-theme-button]")) {
    show(button);
    button.addEventListener("click", () => {
      choose(THEMES[(THEMES.indexOf(current()) + 1) % THEMES.length]);
      show(button);
    });
  }
}
