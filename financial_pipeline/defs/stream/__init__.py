"""Stream layer."""
