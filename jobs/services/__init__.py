"""Everything that writes. Views, actors and commands are thin and call these."""
