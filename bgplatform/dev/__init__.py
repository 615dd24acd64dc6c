"""What keeps the tree in order: the lock of its packages, the checks of `make lint`."""
