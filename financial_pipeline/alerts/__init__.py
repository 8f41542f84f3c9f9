"""Sinks and grouping of alerts; the conditions of alerts are in `defs/automation/`."""
