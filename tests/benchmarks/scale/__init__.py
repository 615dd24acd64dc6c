"""Response times of pages and the dispatcher with a million pictures."""
