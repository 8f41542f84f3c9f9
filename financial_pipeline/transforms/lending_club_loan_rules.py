"""The rules that a loan row must keep to be staged, in the order in which they are reported."""

from datetime import date

import polars as pl

from financial_pipeline.schemas.loan_rules import (
    HIGHEST_RATE,
    LOAN_STATUSES,
    LOWEST_RATE,
    OLDEST_CREDIT_LINE,
    SUB_GRADES,
    TERMS,
)
from financial_pipeline.schemas.staging import BEFORE_FIRST_MONTH


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
