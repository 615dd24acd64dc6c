"""The site: settings, URLs, ASGI, broker, health. It knows every room; no room knows it."""
