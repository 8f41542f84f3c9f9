"""Readers of the published tables for people and programs."""
