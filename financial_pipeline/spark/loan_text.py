"""Values in the text of a loan file as Spark columns: blanks, numbers, months, words.

Spelled out, because Spark's own casts accept more than upstream means (`1d`, ` 5`, `Sept-2015`).
"""

from typing import Final

from pyspark.sql import Column
from pyspark.sql import functions as F

from financial_pipeline.schemas.loan_rules import EMPLOYMENT_WORDS, MOST_EMPLOYMENT_YEARS

# White space of Unicode that may surround a value; Python adds four control characters.
BLANKS: Final = "".join(
    char for char in map(chr, range(0x3001)) if char.isspace() and not "\x1c" <= char <= "\x1f"
)
# A text with any other character is not a number, even if Java would read it as one.
FOREIGN_TO_NUMBERS: Final = "[^0-9.eE+-]"
MONTH_NAMES: Final = "JanFebMarAprMayJunJulAugSepOctNovDec"
MONTH_NAME_LENGTH: Final = 3
MONTH_TEXT: Final = r"^(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)-(19|20)[0-9]{2}\z"
TERM_TEXT: Final = r"^(?U:\s*)([0-9]+)(?:\.0)?(?: months)?(?U:\s*)\z"
INFINITY: Final = float("inf")
# The first whole number that 64 bits cannot represent.
BIGINT_END: Final = 2.0**63


def strip(column: Column) -> Column:
    """The text without blanks around it."""
    return F.btrim(column, F.lit(BLANKS))


def without_prefix(column: Column, prefix: str) -> Column:
    """The text after a prefix, or as it is without that."""
    rest = F.substr(column, F.lit(len(prefix) + 1))
    return F.when(column.startswith(prefix), rest).otherwise(column)


def without_suffix(column: Column, suffix: str) -> Column:
    """The text before a suffix, or as it is without that."""
    rest = F.left(column, F.length(column) - len(suffix))
    return F.when(column.endswith(suffix), rest).otherwise(column)


def number(column: Column, *, may_be_percent: bool) -> Column:
    """The finite double in a text; null for a blank text and for anything else."""
    text = strip(column)
    text = without_suffix(text, "%") if may_be_percent else text
    value = F.when(~text.rlike(FOREIGN_TO_NUMBERS), text).try_cast("double")
    return F.when(F.abs(value) < INFINITY, value)


def whole(value: Column) -> Column:
    """The double as a bigint; null if it does not fit. A fraction is cut off."""
    return F.when((value >= -BIGINT_END) & (value < BIGINT_END), value).try_cast("bigint")


def month(column: Column) -> Column:
    """The first day of a month written Dec-2015; null for any other text."""
    name = F.substring(column, 1, MONTH_NAME_LENGTH)
    position = F.instr(F.lit(MONTH_NAMES), name) + MONTH_NAME_LENGTH - 1
    first = F.make_date(
        F.right(column, F.lit(4)).try_cast("int"),
        (position / MONTH_NAME_LENGTH).cast("int"),
        F.lit(1),
    )
    return F.when(column.rlike(MONTH_TEXT), first)


def term_months(column: Column) -> Column:
    """The months of a term written ` 36 months`, `36` or `36.0`; null for any other text."""
    digits = F.regexp_extract(column, TERM_TEXT, 1)
    return F.when(digits != "", digits).try_cast("bigint")


def employment_years(column: Column) -> Column:
    """Years of an employment length: 0 to 10, null for "n/a" and unknown words."""
    years = F.array_position(F.array(*map(F.lit, EMPLOYMENT_WORDS)), column) - 1
    return F.when(years.between(0, MOST_EMPLOYMENT_YEARS), years)
