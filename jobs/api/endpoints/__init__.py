"""The views, one file a thing."""
