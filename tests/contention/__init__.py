"""Everything that happens to one account, at the same moment: no deadlock, no 500, and the counters exact."""
