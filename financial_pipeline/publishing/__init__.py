"""Published tables: contract, writer, manifest, content hashes and views."""
