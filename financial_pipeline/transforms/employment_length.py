"""Employment length in words, as loans and rejected applications write it, to years."""

from typing import Final

import polars as pl

from financial_pipeline.schemas.loan_rules import EMPLOYMENT_WORDS, MOST_EMPLOYMENT_YEARS

EMPLOYMENT_TYPE: Final = pl.Enum(list(EMPLOYMENT_WORDS))


def employment_years(column: str) -> pl.Expr:
    """Years of a text or EMPLOYMENT_TYPE column: 0 to 10, null for "n/a" and unknown words.

    The category's position is the answer; a mapping would hold the whole file in memory.
    """
    years = pl.col(column).cast(EMPLOYMENT_TYPE, strict=False).to_physical().cast(pl.Int64)
    return pl.when(years <= MOST_EMPLOYMENT_YEARS).then(years).alias(column)
