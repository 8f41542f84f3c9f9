"""Loan rows from text to types, each with the first cleaning rule it breaks (or null).

Schema in: upstream columns (any subset of the 151 with the core), read as `parsed_schema` or
`text_schema` says. Schema out, after `months_to_dates`: `reason`, `loan_id`, `credit_policy_met`,
`emp_length_missing` and the 151 columns of staging/lending_club_loans.
"""

import hashlib
from datetime import date
from typing import Final

import polars as pl

from financial_pipeline.schemas.lending_club import (
    INTEGER_COLUMNS,
    LOAN_COLUMNS,
    MONTH_COLUMNS,
    REAL_COLUMNS,
    TEXT_COLUMNS,
    UPSTREAM_MONTHS,
)
from financial_pipeline.schemas.loan_rules import (
    FINGERPRINT_COLUMNS,
    FREE_TEXT_COLUMNS,
    LARGEST_PRINCIPAL_SHARE,
    NUMBER_COLUMNS,
    OUTSIDE_POLICY,
    SIGNED_COLUMNS,
    STATUS_PREFIX,
)
from financial_pipeline.schemas.staging import LENDING_CLUB_LOANS, Schema
from financial_pipeline.transforms.loan_rules import first_broken_rule
from financial_pipeline.transforms.text_values import EMPLOYMENT_TYPE, employment_years

# The parser of a clean file looks these words up; any other word is found in the text.
MONTH_TYPE: Final = pl.Enum(list(UPSTREAM_MONTHS))
MONTH_STARTS: Final = pl.Series(list(UPSTREAM_MONTHS.values()), dtype=pl.Date)
TERM_TEXT: Final = r"^\s*(\d+)(?:\.0)?(?: months)?\s*$"
# Six decimals distinguish any two dollar amounts or rates and hide binary noise.
FINGERPRINT_SCALE: Final = 1_000_000
FINGERPRINT_DIGITS: Final = 24


def parsed_schema(percent_as_text: bool) -> Schema:
    """Types to read a file with when its values are expected to be clean."""
    schema: Schema = {
        name: pl.Float64() if name in NUMBER_COLUMNS else pl.String() for name in LOAN_COLUMNS
    }
    schema |= dict.fromkeys(MONTH_COLUMNS, MONTH_TYPE) | {"emp_length": EMPLOYMENT_TYPE}
    return schema | dict.fromkeys(SIGNED_COLUMNS, pl.String()) if percent_as_text else schema


def text_schema() -> Schema:
    """Types to read a file with if any text may be anywhere."""
    return dict.fromkeys(LOAN_COLUMNS, pl.String())


def _number(column: str, is_text: bool) -> pl.Expr:
    if not is_text:
        return pl.col(column)
    text = pl.col(column).str.strip_chars()
    text = text.str.strip_suffix("%") if column in SIGNED_COLUMNS else text
    return text.cast(pl.Float64, strict=False)


def _typed(column: str, kind: pl.DataType) -> pl.Expr:
    """A column that was read as `kind`, as staging stores it; a month that was parsed stays one."""
    is_text = kind == pl.String()
    if column == "term":
        return pl.col(column).str.extract(TERM_TEXT).cast(pl.Int64)
    if column == "emp_length":
        return employment_years(column)
    if column in MONTH_COLUMNS:
        months = pl.col(column)
        return months.cast(MONTH_TYPE, strict=False) if is_text else months
    if column in FREE_TEXT_COLUMNS:
        trimmed = pl.col(column).str.strip_chars()
        return pl.when(trimmed != "").then(trimmed)
    if column in TEXT_COLUMNS:
        return pl.col(column).str.strip_chars()
    number = _number(column, is_text)
    # A parsed number outside the range of integers fails the whole read, which then reads text.
    return number.cast(pl.Int64, strict=not is_text) if column in INTEGER_COLUMNS else number


def _is_unreadable(column: str, is_text: bool) -> pl.Expr:
    """A text that is not a number, not finite, or not whole in a column of counts."""
    number = _number(column, is_text)
    wrong = number != number.floor() if column in INTEGER_COLUMNS else ~number.is_finite()
    if not is_text:
        return wrong
    typed = _typed(column, pl.String())
    return wrong | (typed.is_null() & (pl.col(column).str.strip_chars() != ""))


def _refuse_nan(columns: list[str]) -> pl.Expr:
    """False, but a NaN among parsed numbers fails the read, which then reads text: it is missing.

    Only the text shows whether other columns use the same word.
    """
    total = pl.sum_horizontal(columns)
    return pl.when(total.is_nan()).then(total).cast(pl.Int64, strict=True).is_not_null()


def _broken_values(schema: Schema) -> list[pl.Expr]:
    """Flag rows with values outside their types; a parsed file has none."""
    text = {name for name, kind in schema.items() if kind == pl.String()}
    numbers = [_is_unreadable(name, name in text) for name in schema if name in NUMBER_COLUMNS]
    if parsed := [name for name in schema if name in REAL_COLUMNS - text]:
        numbers.append(_refuse_nan(parsed))
    months = [
        (pl.col(name) != "") & _typed(name, pl.String()).is_null() for name in MONTH_COLUMNS & text
    ]
    words = pl.lit(False)
    if "emp_length" in text:
        words = ~pl.col("emp_length").is_in([*EMPLOYMENT_TYPE.categories, ""])
    return [
        pl.any_horizontal(*numbers).alias("has_unreadable_number"),
        words.alias("has_unknown_emp_length"),
        pl.any_horizontal(pl.lit(False), *months).alias("has_mangled_date"),
    ]


def months_to_dates(rows: pl.DataFrame) -> pl.DataFrame:
    """Months as the first of the month; a look-up, four times as fast as parsing dates."""
    return rows.with_columns(
        MONTH_STARTS.gather(rows[name].to_physical()).alias(name)
        for name in MONTH_COLUMNS
        if rows.schema[name] == MONTH_TYPE
    )


def fingerprints(rows: pl.DataFrame) -> pl.Series:
    """Keys of typed loans without upstream id: "fp-<digest>-1".

    SHA-256 over the origination fields, so that no order or copy of a file changes a key; the
    caller, who sees the whole file, numbers loans that agree in all of them.
    """
    fields = [
        (pl.col(name) * FINGERPRINT_SCALE).round().cast(pl.Int64, strict=False)
        if name in REAL_COLUMNS
        else pl.col(name)
        for name in FINGERPRINT_COLUMNS
    ]
    texts = rows.select(
        pl.concat_str([field.cast(pl.String).fill_null("") for field in fields], separator="|")
    ).to_series()
    digests = (hashlib.sha256(text.encode()).hexdigest() for text in texts)
    return pl.Series(
        "loan_id", [f"fp-{digest[:FINGERPRINT_DIGITS]}-1" for digest in digests], dtype=pl.String
    )


def _null(column: str) -> pl.Expr:
    dtype = MONTH_TYPE if column in MONTH_COLUMNS else LENDING_CLUB_LOANS[column]
    return pl.lit(None, dtype=dtype).alias(column)


def type_loans(
    raw: pl.LazyFrame,
    *,
    rate_divisor: float,
    has_ids: bool,
    first_issue_month: date,
    snapshot_month: date,
    largest_principal: float = LARGEST_PRINCIPAL_SHARE,
) -> pl.LazyFrame:
    """Type loan rows and name the first rule that each breaks in `reason` (null: none).

    Columns of `raw` that are not upstream's pass through; upstream columns that it lacks are null.
    `rate_divisor` is 100 for a file whose rates are per cent and 1 for fractions. Months stay
    `MONTH_TYPE`: see `months_to_dates`. Without ids `loan_id` is null: see `fingerprints`.
    """
    schema = {name: kind for name, kind in raw.collect_schema().items() if name in LOAN_COLUMNS}
    status = pl.col("loan_status").str.strip_prefix(OUTSIDE_POLICY).str.strip_chars()
    loan_id = pl.col("id").str.strip_suffix(".0") if has_ids else pl.lit(None, dtype=pl.String)
    absent = [name for name in LOAN_COLUMNS if name not in schema]
    return (
        raw.with_columns(_broken_values(schema))
        .with_columns(_typed(name, kind) for name, kind in schema.items())
        .with_columns(_null(name) for name in absent)
        .with_columns(
            int_rate=pl.col("int_rate") / rate_divisor,
            credit_policy_met=~pl.col("loan_status").str.starts_with(OUTSIDE_POLICY),
            loan_status=status.str.strip_prefix(STATUS_PREFIX).str.strip_chars(),
            emp_length_missing=pl.col("emp_length").is_null(),
            loan_id=loan_id,
        )
        .with_columns(
            reason=first_broken_rule(
                has_ids, MONTH_TYPE, first_issue_month, snapshot_month, largest_principal
            )
        )
    )
