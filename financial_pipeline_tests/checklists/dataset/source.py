"""Files of daily par yields as the Treasury publishes them, detected from their header."""

import csv
import re
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import polars as pl

from financial_pipeline.errors import PipelineError
from financial_pipeline.schemas.raw import LandedFile
from financial_pipeline.sources.compression import decompressed

DATASET: Final = "treasury_yields"
HEADER: Final = re.compile(r'"?Date"?,"?1 Mo"?,')
DATE_FORM: Final = "%m/%d/%Y"
# Kept columns of a file; each may be absent.
COLUMNS: Final = ("Date", "3 Mo", "10 Yr")


def matches(lines: Sequence[str]) -> bool:
    """Whether a file that starts with these lines has daily par yields."""
    return bool(lines) and HEADER.match(lines[0]) is not None


def read(path: Path) -> pl.DataFrame:
    """One row of text per line below the header: COLUMNS, `line_number` and `original_text`."""
    with TemporaryDirectory() as folder, decompressed(path, Path(folder)) as plain:
        header, *lines = plain.read_text("utf-8").splitlines()
    names = next(csv.reader([header]))
    rows = []
    for number, line in enumerate(lines, start=2):
        fields = dict(zip(names, next(csv.reader([line]), []), strict=False))
        kept = {name: fields.get(name) for name in COLUMNS}
        rows.append({"line_number": number, "original_text": line, **kept})
    text = dict.fromkeys(("original_text", *COLUMNS), pl.String())
    return pl.DataFrame(rows, {"line_number": pl.Int64(), **text})


def _day(text: str | None) -> date | None:
    try:
        return datetime.strptime((text or "").strip(), DATE_FORM).date()
    except ValueError:
        return None


def describe(path: Path) -> LandedFile:
    """Detect a file of yields; raises PipelineError if it has no readable date."""
    rows = read(path)
    days = sorted(day for text in rows["Date"] if (day := _day(text)))
    if not days:
        raise PipelineError(f"{path} has no readable date; expected dates like 12/29/2023.")
    return LandedFile(
        path=path,
        dataset=DATASET,
        form="treasury",
        subject=None,
        snapshot_date=None,
        first_date=days[0],
        last_date=days[-1],
        rows_seen=rows.height,
        provider="treasury",
    )
