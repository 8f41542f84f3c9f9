"""Recognition of files that the simulator wrote, wherever they were dropped.

Each simulated file contains a mark: the host of a loan's address, a column of prices and rejected
applications, a field of a FRED answer. Files without marks that earlier versions wrote with the
default settings are known by their hashes.
"""

import json
import re
from functools import cache
from pathlib import Path
from typing import Final

from financial_pipeline.settings import PACKAGE_ROOT
from financial_pipeline.sources.compression import first_lines

# A host that cannot exist (RFC 2606).
SITE: Final = "simulated.invalid"
MARK_COLUMN: Final = "Simulated"
MARK_FIELD: Final = "simulated"
PROVIDER: Final = "simulated"
# Lines that contain the header and the first rows.
SEEN_LINES: Final = 40
_HEADER: Final = re.compile(
    r"""(?=.*\bdate\b)(?:.*[,;\t|"'])?simulated(?:[,;\t|"'].*)?$""", re.IGNORECASE
)
_FIELD: Final = re.compile(rf'"{MARK_FIELD}"\s*:\s*true')
HASHES: Final = PACKAGE_ROOT / "schemas" / "simulated_files.json"


@cache
def _known_hashes() -> frozenset[str]:
    return frozenset(json.loads(HASHES.read_text("utf-8"))["sha256"])


def is_simulated(path: Path, content_hash: str) -> bool:
    """Return whether the simulator wrote this file; compressed files and Parquet are opened."""
    if content_hash in _known_hashes():
        return True
    return any(
        SITE in line or _HEADER.match(line.strip()) or _FIELD.search(line)
        for line in first_lines(path, SEEN_LINES)
    )
