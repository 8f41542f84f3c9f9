"""Tables that a tool wrote as a folder of files: Spark's `part-00000-...`, Dask's `0.part`."""

import re
from pathlib import Path
from typing import Final

PATTERNS: Final = ("part-*", "part.*", "[0-9]*.part")
NUMBER: Final = re.compile(r"\d+")


def is_part(path: Path) -> bool:
    """Whether a file has the name of a part of a table."""
    return any(path.match(pattern) for pattern in PATTERNS)


def table_of(part: Path) -> Path:
    """The folder of a table; partitions by value are folders in it, such as `issue_year=2015`."""
    return next(folder for folder in part.parents if "=" not in folder.name)


def are_parts_of_one(one: Path, other: Path) -> bool:
    """Whether two files are parts that were written at once: names differ in the first number.

    Spark's names also contain the job that wrote them.
    """
    names = {NUMBER.sub("", path.name, count=1) for path in (one, other) if is_part(path)}
    return one != other and table_of(one) == table_of(other) and len(names) == 1
