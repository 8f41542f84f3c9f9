"""What changed since the last publication: code, settings, files, and what follows from them."""
