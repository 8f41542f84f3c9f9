"""Faults planted in the simulated files, so that a first visit shows the effect of each.

Three damaged copies and one repetition of loan lines, and one damaged application, are quarantined.
One loan was funded above the request, which a check warns of. One price of a first download is
wrong, and a second download corrects it. One release of GDP came four weeks late. Each damaged line
is also in its file as it should be, and the corrected price is the simulated one.
"""

import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Final

import polars as pl

# In a smaller file these broken lines may exceed the share for which staging refuses a file.
LEAST_LOANS: Final = 1_000
# Dollars that the first loan was funded above its request.
ABOVE_REQUEST: Final = 25.0
# A line for each reason: the column, and its value in the damaged copy.
UNKNOWN_STATUS: Final = "Sold"
RATE_FACTOR: Final = 100.0
UNPAID_DOLLARS: Final = 250.0
IMPOSSIBLE_SCORE: Final = 1_250.0
RESTATED_BANK: Final = "WFC"
# The wrong price is in the first file, this many sessions before its end.
RESTATED_SESSION: Final = -10
RESTATED_FIELDS: Final = ("Low", "Close", "Adj Close")
WRONG_FACTOR: Final = 0.985
PRICE_DECIMALS: Final = 6
# Sessions in the second download, and the day that its name states.
SECOND_SESSIONS: Final = 60
SECOND_DAY: Final = date(2019, 3, 31)
LATE_SERIES: Final = "GDPC1"
LATE_QUARTER: Final = date(2018, 10, 1)
DELAY: Final = timedelta(days=28)
CURRENT: Final = "9999-12-31"
SENTENCE: Final = (
    "These are planted in the simulated files, as is a late release of GDP (Macro): see the tour in"
    " docs/dashboard.md."
)


def is_planted(loans: int) -> bool:
    """Return whether a world of this many loans has the planted faults."""
    return loans >= LEAST_LOANS


def with_small_request(fixed: pl.DataFrame) -> pl.DataFrame:
    """Lower the request of the first loan below the funded amount."""
    is_first = pl.int_range(pl.len()) == 0
    lowered = pl.col("funded_amnt") - ABOVE_REQUEST
    return fixed.with_columns(
        loan_amnt=pl.when(is_first).then(lowered).otherwise(pl.col("loan_amnt"))
    )


def broken_loans(rows: pl.DataFrame) -> pl.DataFrame:
    """Return a repetition of the first loan, and a damaged copy of each of the next three."""
    parts = [rows.slice(place, 1) for place in range(4)]
    changes: tuple[dict[str, pl.Expr], ...] = (
        {},
        {"int_rate": (pl.col("int_rate") * RATE_FACTOR).round(2)},
        {"loan_status": pl.lit(UNKNOWN_STATUS)},
        {"total_pymnt": pl.col("total_pymnt") + UNPAID_DOLLARS},
    )
    return pl.concat(
        part.with_columns(**change) for part, change in zip(parts, changes, strict=True)
    )


def broken_application(rows: pl.DataFrame) -> pl.DataFrame:
    """Return a copy of the last application with a score that no bureau gives."""
    return rows.tail(1).with_columns(pl.lit(IMPOSSIBLE_SCORE).alias("Risk_Score"))


def restate_price(first: Path, second: Path) -> Path:
    """Make one session of the bank's file wrong, and write a later download that has it right.

    `first` and `second` are the folders of both downloads. Returns the later file.
    """
    path = first / f"{RESTATED_BANK}.csv"
    header, *lines = path.read_text("utf-8").splitlines()
    second.mkdir()
    later = second / f"{RESTATED_BANK}_{SECOND_DAY}.csv"
    _write_lines(later, [header, *lines[-SECOND_SESSIONS:]])
    row = dict(zip(header.split(","), lines[RESTATED_SESSION].split(","), strict=True))
    for field in RESTATED_FIELDS:
        row[field] = f"{float(row[field]) * WRONG_FACTOR:.{PRICE_DECIMALS}f}"
    lines[RESTATED_SESSION] = ",".join(row.values())
    _write_lines(path, [header, *lines])
    return later


def delay_release(folder: Path) -> None:
    """Move the first release of a quarter's GDP, and its revision, four weeks on."""
    path = folder / f"{LATE_SERIES}.json"
    _write_lines(path, _delay_release(path.read_text("utf-8").splitlines()))


def _delay_release(lines: list[str]) -> Iterator[str]:
    for line in lines:
        if f'"date": "{LATE_QUARTER}"' not in line:
            yield line
            continue
        row = json.loads(line.rstrip(","))
        for end in ("realtime_start", "realtime_end"):
            if row[end] != CURRENT:
                row[end] = str(date.fromisoformat(row[end]) + DELAY)
        yield json.dumps(row) + ("," if line.endswith(",") else "")


def _write_lines(path: Path, lines: Iterator[str] | list[str]) -> None:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
