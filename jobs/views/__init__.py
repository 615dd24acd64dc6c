"""Thin views: they check permissions, call a service or a selector, and respond."""
