"""Everything at once in one account: no deadlock, no 500, and exact counters."""
