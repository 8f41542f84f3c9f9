"""Every column of every table: what it means, and which columns it is made of."""
