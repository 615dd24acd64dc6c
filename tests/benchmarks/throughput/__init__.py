"""The synchronous endpoints beside rembg's own server: clients at once, the same weights, the same cores."""
