"""Loans, bank prices and macro series: one asset graph from raw files to tested tables."""
