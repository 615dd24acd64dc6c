"""The REST API under /api/v1/: thin views that check who asks, call a service or a selector, and answer."""
