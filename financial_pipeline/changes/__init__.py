"""Changes since the last publication: code, settings, files, and everything downstream of them."""
