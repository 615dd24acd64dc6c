"""Thin views: they check who asks, call a service or a selector, and answer."""
