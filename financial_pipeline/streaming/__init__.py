"""Topics, messages, producers, consumers, landing and parity."""
