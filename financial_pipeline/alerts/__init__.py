"""Where alerts go and how they are grouped; what is alerted on is in `defs/automation/`."""
