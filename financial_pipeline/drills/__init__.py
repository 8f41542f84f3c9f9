"""Drills: break a small system on purpose, and compare its reaction with the promised one."""
