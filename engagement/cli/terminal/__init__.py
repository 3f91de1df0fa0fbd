"""How commands begin, and what they print for people or as JSON."""
