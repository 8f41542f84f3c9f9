"""The rules that a loan row must keep to be staged, in the order in which they are reported.

Methodology 1.5; a rule that only describes the data (money identities, FICO bands) is a test of
the warehouse, not a reason to refuse a row.
"""

from datetime import date
from typing import Final

import polars as pl

from financial_pipeline.schemas.staging import BEFORE_FIRST_MONTH

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
TERMS: Final = (36, 60)
SUB_GRADES: Final = tuple(f"{grade}{digit}" for grade in "ABCDEFG" for digit in range(1, 6))
# Observed rates run from 5.31 to 30.99 per cent.
LOWEST_RATE: Final = 0.04
HIGHEST_RATE: Final = 0.36
OLDEST_CREDIT_LINE: Final = date(1930, 1, 1)


def _month(day: date, months: pl.Enum) -> pl.Expr:
    return pl.lit(f"{day:%b-%Y}", dtype=months).to_physical()


def first_broken_rule(has_ids: bool, months: pl.Enum, first_issue_month: date) -> pl.Expr:
    """The first rule that a typed row breaks, or null; the order tells the most about the row.

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
