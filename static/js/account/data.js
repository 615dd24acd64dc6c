// The progress of an export: while it is being made, its part of the page is fetched again.

const PAUSE = 2000;
const shown = document.getElementById("export");

async function refresh() {
  if (!document.hidden) {
    try {
      const response = await fetch(location.pathname, { headers: { Accept: "text/html" } });
      const page = new DOMParser().parseFromString(await response.text(), "text/html");
      const fresh = response.ok && page.getElementById("export");
      if (fresh && fresh.innerHTML !== shown.innerHTML) {
        shown.replaceChildren(...fresh.childNodes);
        shown.toggleAttribute("data-open", fresh.hasAttribute("data-open"));
      }
    } catch {
      // Without a network the next round tries again.
    }
  }
  if (shown.hasAttribute("data-open")) setTimeout(refresh, PAUSE);
}

if (shown.hasAttribute("data-open")) setTimeout(refresh, PAUSE);
