"""The site: settings, URLs, ASGI application, broker, health checks. It may import every app; no app imports
it.
"""
