"""The boundaries of the dbt models and macros, and copies of the project with one of them shifted.

A comparison is made strict, or no longer strict; an end of a `between` and a limit of `least` or
`greatest` moves by one.
"""

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from financial_pipeline_tests.dbt.warehouse import DBT_PROJECT

FOLDERS: Final = ("macros", "models")
NO_CODE: Final = re.compile(r"\{#.*?#\}|--[^\n]*|'[^'\n]*'", re.DOTALL)
# `>>` moves bits.
COMPARISON: Final = re.compile(r"(?<![<>])[<>]=?(?![<>])")
OTHER: Final = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}
OPERAND: Final = r"((?:date\s+)?(?:'[^'\n]*'|[\w.]+))"
BETWEEN: Final = re.compile(rf"\bbetween\s+{OPERAND}\s+and\s+{OPERAND}")
# The 1 of `greatest(months, 1)`; the 0 of `nullif(months, 0)` is none.
LIMITED: Final = re.compile(r"\b(?:least|greatest)\([^\n]*")
NO_LIMIT: Final = re.compile(r"\b(?:nullif|decimal)\([^()]*\)")
LIMIT: Final = re.compile(r"(?<=, )\d+(?=\))")


@dataclass(frozen=True)
class Shift:
    """One change of a file: `text` takes the place of the characters from `start` to `end`."""

    file: str
    line: int
    start: int
    end: int
    text: str

    def __str__(self) -> str:
        """Return the name of its test: its place and its replacement."""
        return f"{Path(self.file).stem}:{self.line}:{self.text.strip()}"

    def applied(self, folder: Path) -> Path:
        """Return a copy of the project with this change."""
        project = folder / "dbt_project"
        shutil.rmtree(project, ignore_errors=True)
        no_source = shutil.ignore_patterns("target", "logs", "dbt_packages")
        shutil.copytree(DBT_PROJECT, project, ignore=no_source)
        path = project / self.file
        text = path.read_text("utf-8")
        path.write_text(text[: self.start] + self.text + text[self.end :], "utf-8")
        return project


def all_shifts() -> list[Shift]:
    """Return every boundary of the project, shifted once."""
    paths = [path for folder in FOLDERS for path in (DBT_PROJECT / folder).rglob("*.sql")]
    names = [path.relative_to(DBT_PROJECT).as_posix() for path in sorted(paths)]
    return [shift for name in names for shift in shifts(name, (DBT_PROJECT / name).read_text())]


def shifts(name: str, text: str) -> list[Shift]:
    """Return the shifts of the boundaries of one file, by place."""
    found = sorted(_changes(text, NO_CODE.sub(_blank, text)))
    return [
        Shift(name, text.count("\n", 0, start) + 1, start, end, shifted)
        for start, end, shifted in found
    ]


def _blank(found: re.Match[str]) -> str:
    """Blanks in place of a text, so that all places stay the same."""
    return re.sub(r"[^\n]", " ", found.group())


def _changes(text: str, code: str) -> Iterator[tuple[int, int, str]]:
    for found in COMPARISON.finditer(code):
        yield found.start(), found.end(), OTHER[found.group()]
    for found in BETWEEN.finditer(text):
        yield found.end(1), found.end(1), " + 1"
        yield found.end(2), found.end(2), " - 1"
    for call in LIMITED.finditer(code):
        for limit in LIMIT.finditer(NO_LIMIT.sub(_blank, call.group())):
            start = call.start() + limit.start()
            yield start, start + len(limit.group()), str(int(limit.group()) + 1)
