"""Employment length in words, as loans and rejected applications write it, to years."""

from typing import Final

import polars as pl

# Position = years; "n/a" stands after them.
EMPLOYMENT_TYPE: Final = pl.Enum(
    ["< 1 year", "1 year", *(f"{years} years" for years in range(2, 10)), "10+ years", "n/a"]
)
MOST_YEARS: Final = 10


def employment_years(column: str) -> pl.Expr:
    """Years of a text or EMPLOYMENT_TYPE column: 0 to 10, null for "n/a" and unknown words.

    The category's position is the answer; a mapping would hold the whole file in memory.
    """
    years = pl.col(column).cast(EMPLOYMENT_TYPE, strict=False).to_physical().cast(pl.Int64)
    return pl.when(years <= MOST_YEARS).then(years).alias(column)
