// Runs before the first paint, so that a chosen theme never flashes. A classic script, because modules are deferred.
(() => {
  const root = document.documentElement;
  root.dataset.js = "";
  try {
    const theme = localStorage.getItem("theme");
    if (theme === "light" || theme === "dark") root.dataset.theme = theme;
  } catch {
    // Storage is closed to this site: the theme follows the system.
  }
})();
