"""Writing about people: their tokens, and what they have used."""
