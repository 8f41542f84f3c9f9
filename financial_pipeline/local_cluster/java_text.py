"""Paths and texts as Java's programs read them: properties, Flink's addresses, and the locale."""

import os
from pathlib import Path
from typing import Final

from financial_pipeline.errors import PipelineError

# Kafka separates folders by a comma, Java its class path by a colon.
SEPARATORS: Final = ",:"
# Java derives the encoding of file names from the locale; cron and containers have none.
LOCALE: Final = {"LC_ALL": "C.UTF-8"}


def property_value(value: object) -> str:
    """Return a value of a properties file, which Java reads as Latin-1 with escapes."""
    text = str(value).replace("\\", "\\\\")
    units = text.encode("utf-16-be")
    codes = (int.from_bytes(units[place : place + 2]) for place in range(0, len(units), 2))
    return "".join(chr(code) if code < 0x80 else f"\\u{code:04x}" for code in codes)


def flink_address(path: Path) -> str:
    """Return the address of a file or folder; Flink would take `%20` to be part of a name."""
    return f"file://{path}"


def environment() -> dict[str, str]:
    """Return the environment of a Java process."""
    return os.environ | LOCALE


def require_usable(state: Path) -> None:
    """Raise PipelineError for a path that Java's programs would split."""
    if found := [character for character in SEPARATORS if character in str(state)]:
        raise PipelineError(
            f"Kafka and Flink cannot keep their data in {state}, because its path contains"
            f" {' and '.join(map(repr, found))}; use another --data-root, or run without a stream."
        )
