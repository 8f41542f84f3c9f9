"""The optional folders of cases: small odd inputs, each run as a user would run it."""
