"""Column lists and types that several packages share; nothing here does anything."""
