"""Par yields from text records to typed rows: the cleaning rules of one file."""

from datetime import date
from typing import Final

import polars as pl

from financial_pipeline.transforms.text_values import is_unreadable, number
from financial_pipeline.transforms.verdicts import Cleaned, duplicates, first_reason, sort_out

# Staged column -> the column of the file, in per cent.
YIELDS: Final = {"yield_3m": "3 Mo", "yield_10y": "10 Yr"}
PER_CENT: Final = 100
LOWEST, HIGHEST = -0.05, 0.25


def clean(records: pl.DataFrame, first_month: date) -> Cleaned:
    """Type the records of one file and sort out the lines that break a rule.

    Yields become fractions; days before `first_month` are a note.
    """
    day = pl.col("curve_date")
    typed = records.with_columns(
        pl.col("Date").str.strip_chars().str.to_date("%m/%d/%Y", strict=False).alias("curve_date"),
        pl.any_horizontal(is_unreadable(text) for text in YIELDS.values()).alias("is_unreadable"),
        *(number(text).truediv(PER_CENT).alias(ours) for ours, text in YIELDS.items()),
        physical_lines=pl.lit(1, pl.Int64()),
    )
    is_outside = pl.any_horizontal(~pl.col(name).is_between(LOWEST, HIGHEST) for name in YIELDS)
    reason = first_reason(
        (day.is_null(), "mangled_date"),
        (pl.col("is_unreadable"), "unreadable_number"),
        (is_outside, "implausible_value"),
    )
    note = pl.when(day < first_month).then(pl.lit("before_first_observation_month"))
    judged = typed.with_columns(reason=reason).with_columns(
        note=pl.when(pl.col("reason").is_null()).then(note)
    )
    is_sound = pl.col("reason").is_null() & pl.col("note").is_null()
    repeated = judged.filter(is_sound).with_columns(reason=duplicates(["curve_date"], [*YIELDS]))
    lines = pl.concat([judged.filter(~is_sound), repeated])
    return sort_out(lines, ["curve_date", *YIELDS, "line_number"])
