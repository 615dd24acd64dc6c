"""Helpers for every app. It imports none of them."""
