"""How things look over the wire."""
