"""What a file's name tells where its content does not: a symbol or a series, and a vintage date."""

import re
from pathlib import Path
from typing import Final

SUFFIXES: Final = re.compile(r"(\.(csv|txt|json|gz|zip))+$", re.IGNORECASE)


def plain_stem(path: Path) -> str:
    """The file name without its suffixes: `JPM` of `JPM.csv.gz`."""
    return SUFFIXES.sub("", path.name)


def tokens(path: Path) -> list[str]:
    """The words of a file name in upper case: `BAC` and `2004` of `bac_2004.csv`."""
    return [token for token in re.split(r"[^A-Z0-9]+", plain_stem(path).upper()) if token]
