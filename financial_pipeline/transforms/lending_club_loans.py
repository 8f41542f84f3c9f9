"""Loan rows from text to types, each with the first cleaning rule it breaks (or null).

Schema in: upstream columns (any subset of the 151 with the core), text or parsed numbers.
Schema out: `reason`, `loan_id`, `credit_policy_met`, `emp_length_missing` and the 151 columns of
staging/lending_club_loans. Rules: methodology 1.5.
"""

import hashlib
from collections.abc import Collection, Sequence
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
from financial_pipeline.schemas.staging import BEFORE_FIRST_MONTH, LENDING_CLUB_LOANS

LOAN_STATUSES: Final = (
    "Fully Paid",
    "Charged Off",
    "Default",
    "Current",
    "In Grace Period",
    "Late (16-30 days)",
    "Late (31-120 days)",
    "Issued",
)
OUTSIDE_POLICY: Final = "Does not meet the credit policy."
TERMS: Final = (36, 60)
SUB_GRADES: Final = tuple(f"{grade}{digit}" for grade in "ABCDEFG" for digit in range(1, 6))
EMPLOYMENT_YEARS: Final = {
    "< 1 year": 0,
    "1 year": 1,
    **{f"{years} years": years for years in range(2, 10)},
    "10+ years": 10,
}
EMPLOYMENT_UNKNOWN: Final = "n/a"
# Observed rates run from 5.31 to 30.99 per cent.
LOWEST_RATE, HIGHEST_RATE = 0.04, 0.36
OLDEST_CREDIT_LINE: Final = date(1930, 1, 1)
# Written "10.65%" in LoanStats files and 10.65 in the accepted file.
PERCENT_COLUMNS: Final = ("int_rate", "revol_util")
# Words that stand for a number: read as text, then mapped.
WORDED_COLUMNS: Final = frozenset({"term", "emp_length"})
NUMBER_COLUMNS: Final = (REAL_COLUMNS | INTEGER_COLUMNS) - WORDED_COLUMNS
# Known at origination, present in every layout, and never restated by a later snapshot.
FINGERPRINT_COLUMNS: Final = tuple(
    """
    issue_d loan_amnt funded_amnt term int_rate installment grade sub_grade purpose zip_code
    addr_state home_ownership emp_length annual_inc dti delinq_2yrs earliest_cr_line
    inq_last_6mths open_acc pub_rec revol_bal total_acc
    """.split()
)
# Six decimals tell any two dollar amounts or rates apart and hide binary noise.
FINGERPRINT_SCALE: Final = 1_000_000
FINGERPRINT_DIGITS: Final = 24
# What rates are divided by where a file writes them in per cent.
PER_CENT: Final = 100.0


def number_schema(percent_as_text: bool) -> dict[str, pl.DataType]:
    """Types to read a file with when its numbers are expected to be clean."""
    text = TEXT_COLUMNS | MONTH_COLUMNS | WORDED_COLUMNS
    text = text.union(PERCENT_COLUMNS) if percent_as_text else text
    return {name: pl.String() if name in text else pl.Float64() for name in LOAN_COLUMNS}


def text_schema() -> dict[str, pl.DataType]:
    """Types to read a file with when anything may stand anywhere."""
    return dict.fromkeys(LOAN_COLUMNS, pl.String())


def rate_divisor(rows: pl.DataFrame) -> float:
    """100 where the largest `int_rate` (text) is above 1, hence per cent; 1 for fractions."""
    largest = rows.select(_number("int_rate", True).max()).item()
    return PER_CENT if largest is not None and largest > 1 else 1.0


def _blank_to_null(text: pl.Expr) -> pl.Expr:
    trimmed = text.str.strip_chars()
    return pl.when(trimmed != "").then(trimmed)


def _number(column: str, is_text: bool) -> pl.Expr:
    if not is_text:
        return pl.col(column)
    text = pl.col(column).str.strip_chars()
    text = text.str.strip_suffix("%") if column in PERCENT_COLUMNS else text
    return text.cast(pl.Float64, strict=False)


def _typed(column: str, is_text: bool) -> pl.Expr:
    if column == "term":
        return pl.col(column).str.extract(r"^\s*(\d+)").cast(pl.Int64)
    if column == "emp_length":
        return pl.col(column).replace_strict(EMPLOYMENT_YEARS, default=None, return_dtype=pl.Int64)
    if column in MONTH_COLUMNS:
        return pl.col(column).replace_strict(UPSTREAM_MONTHS, default=None, return_dtype=pl.Date)
    if column in TEXT_COLUMNS:
        return _blank_to_null(pl.col(column))
    number = _number(column, is_text)
    # A parsed number that no integer can hold fails the whole read, which then reads text.
    return number.cast(pl.Int64, strict=not is_text) if column in INTEGER_COLUMNS else number


def _is_unreadable(column: str, is_text: bool) -> pl.Expr:
    """A number that is none, not finite, or not whole where the column counts."""
    number, typed = _number(column, is_text), _typed(column, is_text)
    wrong = number != typed.cast(pl.Float64) if column in INTEGER_COLUMNS else ~number.is_finite()
    if not is_text:
        return wrong
    return wrong | (typed.is_null() & (pl.col(column).str.strip_chars() != ""))


def _broken_values(columns: Sequence[str], text: Collection[str]) -> list[pl.Expr]:
    numbers = [_is_unreadable(name, name in text) for name in columns if name in NUMBER_COLUMNS]
    words = ~pl.col("emp_length").is_in([*EMPLOYMENT_YEARS, EMPLOYMENT_UNKNOWN, ""])
    months = [
        (pl.col(name) != "") & _typed(name, True).is_null()
        for name in columns
        if name in MONTH_COLUMNS
    ]
    return [
        pl.any_horizontal(*numbers).alias("has_unreadable_number"),
        words.alias("has_unknown_emp_length"),
        pl.any_horizontal(*months).alias("has_mangled_date"),
    ]


def cast_columns(raw: pl.LazyFrame, columns: Sequence[str], text: Collection[str]) -> pl.LazyFrame:
    """Every upstream column with its staging type; a bare cast without any rule."""
    return raw.with_columns(_typed(name, name in text) for name in columns)


def _reason(has_ids: bool, first_issue_month: date) -> pl.Expr:
    """The first rule that a typed row breaks; the order tells the most about the row."""
    grade_fits = pl.col("sub_grade").is_in(SUB_GRADES) & pl.col("sub_grade").str.starts_with(
        pl.col("grade")
    )
    rules: list[tuple[str, pl.Expr]] = [
        ("unreadable_number", pl.col("has_unreadable_number")),
        ("mangled_date", pl.col("has_mangled_date")),
        ("missing_loan_amnt", pl.col("loan_amnt").is_null()),
        ("missing_loan_status", pl.col("loan_status").is_null()),
        ("missing_issue_d", pl.col("issue_d").is_null()),
        ("unknown_loan_status", ~pl.col("loan_status").is_in(LOAN_STATUSES)),
        ("term_not_36_or_60", ~pl.col("term").is_in(TERMS).fill_null(False)),
        (
            "int_rate_out_of_range",
            ~pl.col("int_rate").is_between(LOWEST_RATE, HIGHEST_RATE).fill_null(False),
        ),
        ("grade_mismatch", ~grade_fits.fill_null(False)),
        ("unknown_emp_length", pl.col("has_unknown_emp_length")),
        (
            "implausible_earliest_cr_line",
            (pl.col("earliest_cr_line") > pl.col("issue_d"))
            | (pl.col("earliest_cr_line") < OLDEST_CREDIT_LINE),
        ),
        (BEFORE_FIRST_MONTH, pl.col("issue_d") < first_issue_month),
    ]
    if has_ids:
        rules.insert(-1, ("missing_id", pl.col("loan_id").is_null()))
    return pl.coalesce(pl.when(broken).then(pl.lit(reason)) for reason, broken in rules)


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


def type_loans(
    raw: pl.LazyFrame,
    columns: Sequence[str],
    *,
    text: Collection[str],
    rate_divisor: float,
    has_ids: bool,
    first_issue_month: date,
) -> pl.LazyFrame:
    """Type loan rows and name the first rule that each breaks in `reason` (null: none).

    `columns` are the upstream columns of `raw`, `text` those of them read as text although they
    hold numbers; other columns of `raw` pass through. `rate_divisor` is 100 for a file whose
    rates are per cent and 1 for fractions. Without ids `loan_id` is null: see `fingerprints`.
    """
    status = pl.col("loan_status").str.strip_prefix(OUTSIDE_POLICY).str.strip_chars()
    loan_id = pl.col("id").str.strip_suffix(".0") if has_ids else pl.lit(None, dtype=pl.String)
    absent = [name for name in LOAN_COLUMNS if name not in columns]
    return (
        raw.with_columns(_broken_values(columns, text))
        .pipe(cast_columns, columns, text)
        .with_columns(pl.lit(None, dtype=LENDING_CLUB_LOANS[name]).alias(name) for name in absent)
        .with_columns(
            int_rate=pl.col("int_rate") / rate_divisor,
            credit_policy_met=~pl.col("loan_status").str.starts_with(OUTSIDE_POLICY),
            loan_status=status.str.strip_prefix("Status:").str.strip_chars(),
            emp_length_missing=pl.col("emp_length").is_null(),
        )
        .with_columns(loan_id=loan_id)
        .with_columns(reason=_reason(has_ids, first_issue_month))
    )
