// Runs before the first paint, so that the theme does not flash. A classic script, because modules are deferred.
(() => {
  const root = document.documentElement;
  root.dataset.js = "";
  try {
    const theme = localStorage.getItem("theme");
    if (theme === "light" || theme === "dark") root.dataset.theme = theme;
  } catch {
    // No access to local storage: the theme follows the system.
  }
})();
