"""The seeded world: loans, prices and macro series in the upstream file forms."""
