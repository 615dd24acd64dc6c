"""All code that writes to the database or the store. Views, actors and commands are thin and call it."""
