"""Every column of every table: its meaning, and the columns it is computed from."""
