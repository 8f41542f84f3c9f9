"""Readers of upstream files: each detects one form by its content and returns bytes or records."""
