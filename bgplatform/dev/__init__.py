"""Development tools: the checks of `make lint`, the requirements lock."""
