"""The REST API under /api/v1/: thin views that check permissions and call services and selectors."""
