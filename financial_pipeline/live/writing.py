"""Files of the live landing folder appear whole or not at all."""

import os
from pathlib import Path


def replace_file(place: Path, content: bytes) -> None:
    """Write a file beside its place, hidden from readers of the folder, and move it there."""
    place.parent.mkdir(parents=True, exist_ok=True)
    temporary = place.with_name(f".{place.name}.{os.getpid()}.tmp")
    temporary.write_bytes(content)
    os.replace(temporary, place)
