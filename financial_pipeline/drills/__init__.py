"""Drills: break a small system on purpose, and compare what happens with what is promised."""
