"""Numbers and employment lengths as text files write them."""

from typing import Final

import polars as pl

from financial_pipeline.schemas.loan_rules import EMPLOYMENT_WORDS, MOST_EMPLOYMENT_YEARS

EMPLOYMENT_TYPE: Final = pl.Enum(list(EMPLOYMENT_WORDS))


def employment_years(column: str) -> pl.Expr:
    """Years of a text or EMPLOYMENT_TYPE column: 0 to 10, null for "n/a" and unknown words.

    The category's position is the answer; a mapping would keep the whole file in memory.
    """
    years = pl.col(column).cast(EMPLOYMENT_TYPE, strict=False).to_physical().cast(pl.Int64)
    return pl.when(years <= MOST_EMPLOYMENT_YEARS).then(years).alias(column)


MISSING_TEXTS: Final = ("", ".", "null", "nan", "na", "n/a", "none", "#n/a", "<na>", "nat")
# Plain digits or groups of three; an exponent may follow.
NUMBER_PATTERN: Final = (
    r"^[+-]?(?:\d+(?:\.\d*)?|\.\d+|\d{1,3}(?:,\d{3})+(?:\.\d*)?)(?:[eE][+-]?\d{1,2})?$"
)


def _text(column: str) -> pl.Expr:
    text = pl.col(column).str.strip_chars()
    return pl.when(text.str.to_lowercase().is_in(MISSING_TEXTS)).then(None).otherwise(text)


def number(column: str) -> pl.Expr:
    """Parse the numbers of a text column: `30,504.50` is 30504.5; null if missing or unreadable.

    Infinities and anything beyond the pattern count as unreadable.
    """
    text = _text(column)
    readable = pl.when(text.str.contains(NUMBER_PATTERN)).then(text)
    return readable.str.replace_all(",", "").cast(pl.Float64, strict=False).alias(column)


def is_unreadable(column: str) -> pl.Expr:
    """Whether a text column contains something that is neither missing nor a number."""
    return (_text(column).is_not_null() & number(column).is_null()).alias(column)
