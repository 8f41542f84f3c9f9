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
    FREE_TEXT_COLUMNS,
    HIGHEST_RATE,
    LOAN_STATUSES,
    LOWEST_RATE,
    NUMBER_COLUMNS,
    OLDEST_CREDIT_LINE,
    OUTSIDE_POLICY,
    PERCENT_COLUMNS,
    STATUS_PREFIX,
    SUB_GRADES,
    TERMS,
)
from financial_pipeline.schemas.staging import BEFORE_FIRST_MONTH, LENDING_CLUB_LOANS, Schema
from financial_pipeline.transforms.text_values import EMPLOYMENT_TYPE, employment_years


def _month(day: date, months: pl.Enum) -> pl.Expr:
    return pl.lit(f"{day:%b-%Y}", dtype=months).to_physical()


def first_broken_rule(has_ids: bool, months: pl.Enum, first_issue_month: date) -> pl.Expr:
    """The first rule that a typed row breaks, or null; the first one says most about the row.

    Rows have the flags has_unreadable_number, has_mangled_date and has_unknown_emp_length; months
    are of the type `months`, whose categories follow each other in time.
    """
    issued = pl.col("issue_d").to_physical()
    credit_line = pl.col("earliest_cr_line").to_physical()
    grade_fits = pl.col("sub_grade").is_in(SUB_GRADES) & pl.col("sub_grade").str.starts_with(
        pl.col("grade")
    )
    rate_fits = pl.col("int_rate").is_between(LOWEST_RATE, HIGHEST_RATE)
    too_old = credit_line < _month(OLDEST_CREDIT_LINE, months)
    rules: list[tuple[str, pl.Expr]] = [
        ("unreadable_number", pl.col("has_unreadable_number")),
        ("mangled_date", pl.col("has_mangled_date")),
        ("missing_loan_amnt", pl.col("loan_amnt").is_null()),
        ("missing_loan_status", pl.col("loan_status").is_null()),
        ("missing_issue_d", pl.col("issue_d").is_null()),
        ("unknown_loan_status", ~pl.col("loan_status").is_in(LOAN_STATUSES)),
        ("term_not_36_or_60", ~pl.col("term").is_in(TERMS).fill_null(False)),
        ("int_rate_out_of_range", ~rate_fits.fill_null(False)),
        ("grade_mismatch", ~grade_fits.fill_null(False)),
        ("unknown_emp_length", pl.col("has_unknown_emp_length")),
        ("implausible_earliest_cr_line", (credit_line > issued) | too_old),
        ("missing_id", pl.col("loan_id").is_null() & has_ids),
        (BEFORE_FIRST_MONTH, issued < _month(first_issue_month, months)),
    ]
    return pl.coalesce(pl.when(broken).then(pl.lit(reason)) for reason, broken in rules)


# The parser of a clean file looks these words up; any other word is found in the text.
MONTH_TYPE: Final = pl.Enum(list(UPSTREAM_MONTHS))
MONTH_STARTS: Final = pl.Series(list(UPSTREAM_MONTHS.values()), dtype=pl.Date)
TERM_TEXT: Final = r"^\s*(\d+)(?:\.0)?(?: months)?\s*$"
# Known at origination, present in every layout, and never restated by a later snapshot.
FINGERPRINT_COLUMNS: Final = tuple(
    """
    issue_d loan_amnt funded_amnt term int_rate installment grade sub_grade purpose zip_code
    addr_state home_ownership emp_length annual_inc dti delinq_2yrs earliest_cr_line
    inq_last_6mths open_acc pub_rec revol_bal total_acc
    """.split()
)
# Six decimals distinguish any two dollar amounts or rates and hide binary noise.
FINGERPRINT_SCALE: Final = 1_000_000
FINGERPRINT_DIGITS: Final = 24
# What rates are divided by where a file writes them in per cent.
PER_CENT: Final = 100.0


def parsed_schema(percent_as_text: bool) -> Schema:
    """Types to read a file with when its values are expected to be clean."""
    schema: Schema = {
        name: pl.Float64() if name in NUMBER_COLUMNS else pl.String() for name in LOAN_COLUMNS
    }
    schema |= dict.fromkeys(MONTH_COLUMNS, MONTH_TYPE) | {"emp_length": EMPLOYMENT_TYPE}
    return schema | dict.fromkeys(PERCENT_COLUMNS, pl.String()) if percent_as_text else schema


def text_schema() -> Schema:
    """Types to read a file with if any text may be anywhere."""
    return dict.fromkeys(LOAN_COLUMNS, pl.String())


def rate_divisor(rows: pl.DataFrame) -> float:
    """100 where the largest `int_rate` (text) is above 1, hence per cent; 1 for fractions."""
    largest = rows.select(_number("int_rate", True).max()).item()
    return PER_CENT if largest is not None and largest > 1 else 1.0


def _number(column: str, is_text: bool) -> pl.Expr:
    if not is_text:
        return pl.col(column)
    text = pl.col(column).str.strip_chars()
    text = text.str.strip_suffix("%") if column in PERCENT_COLUMNS else text
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
    """A number that is none, not finite, or not whole where the column counts."""
    number = _number(column, is_text)
    wrong = number != number.floor() if column in INTEGER_COLUMNS else ~number.is_finite()
    if not is_text:
        return wrong
    typed = _typed(column, pl.String())
    return wrong | (typed.is_null() & (pl.col(column).str.strip_chars() != ""))


def _broken_values(schema: Schema) -> list[pl.Expr]:
    """Flag rows with values outside their types; a parsed file has none."""
    text = {name for name, kind in schema.items() if kind == pl.String()}
    numbers = [_is_unreadable(name, name in text) for name in schema if name in NUMBER_COLUMNS]
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


def type_loans(
    raw: pl.LazyFrame, *, rate_divisor: float, has_ids: bool, first_issue_month: date
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
        .with_columns(
            pl.lit(
                None, dtype=MONTH_TYPE if name in MONTH_COLUMNS else LENDING_CLUB_LOANS[name]
            ).alias(name)
            for name in absent
        )
        .with_columns(
            int_rate=pl.col("int_rate") / rate_divisor,
            credit_policy_met=~pl.col("loan_status").str.starts_with(OUTSIDE_POLICY),
            loan_status=status.str.strip_prefix(STATUS_PREFIX).str.strip_chars(),
            emp_length_missing=pl.col("emp_length").is_null(),
            loan_id=loan_id,
        )
        .with_columns(reason=first_broken_rule(has_ids, MONTH_TYPE, first_issue_month))
    )
