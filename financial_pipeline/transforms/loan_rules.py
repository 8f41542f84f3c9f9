"""The rules that a typed loan row must keep, as one Polars expression, in order of reporting."""

from datetime import date

import polars as pl

from financial_pipeline.schemas.loan_rules import (
    CHECKED_CODES,
    CODES,
    COUNTS,
    EVENT_MONTHS,
    HIGHEST_FICO,
    HIGHEST_RATE,
    HIGHEST_UTILISATION,
    LARGEST_DOLLARS,
    LARGEST_LOAN,
    LARGEST_REPAYMENT,
    LATEST_EVENT_MONTHS,
    LOAN_STATUSES,
    LOWEST_FICO,
    LOWEST_RATE,
    OLDEST_CREDIT_LINE,
    OLDEST_CREDIT_PULL,
    PAYMENT_PARTS,
    PAYMENT_TOLERANCE,
    REQUIRED_DOLLARS,
    SCIENTIFIC_ID,
    SHARES,
    SMALLEST_DOLLARS,
    SMALLEST_INCOME,
    SMALLEST_LOAN,
    SMALLEST_REPAYMENT,
    SUB_GRADES,
    TERMS,
)
from financial_pipeline.schemas.staging import BEFORE_FIRST_MONTH


def _month(day: date, months: pl.Enum) -> pl.Expr:
    return pl.lit(f"{day:%b-%Y}", dtype=months).to_physical()


def _is_rate() -> pl.Expr:
    return pl.col("int_rate").is_between(LOWEST_RATE, HIGHEST_RATE)


def _grade_fits() -> pl.Expr:
    sub_grade = pl.col("sub_grade")
    return sub_grade.is_in(SUB_GRADES) & sub_grade.str.starts_with(pl.col("grade"))


def _is_unknown(column: str) -> pl.Expr:
    return ~pl.col(column).is_in(CODES[column])


def _implausible_dollars(largest_principal: float) -> list[tuple[str, pl.Expr]]:
    """The rules of amounts, in dollars; every bound that a fact tests is one."""
    parts = pl.sum_horizontal(PAYMENT_PARTS, ignore_nulls=False)
    outside = ~pl.col(REQUIRED_DOLLARS).is_between(SMALLEST_DOLLARS, LARGEST_DOLLARS)
    gap = (pl.col("total_pymnt") - parts).abs()
    most = pl.col("funded_amnt") * largest_principal
    owed = pl.max_horizontal("total_rec_prncp", "out_prncp")
    income = pl.col("annual_inc", "annual_inc_joint")
    is_income = (income == 0) | income.is_between(SMALLEST_INCOME, LARGEST_DOLLARS)
    is_loan = pl.col("loan_amnt").is_between(SMALLEST_LOAN, LARGEST_LOAN)
    repaid, funded = pl.col("installment") * pl.col("term"), pl.col("funded_amnt")
    fits = repaid.is_between(funded * SMALLEST_REPAYMENT, funded * LARGEST_REPAYMENT)
    utilisation, shares = (
        ~pl.col(names).is_between(0, HIGHEST_UTILISATION) for names in ("revol_util", SHARES)
    )
    return [
        ("missing_amount", pl.any_horizontal(pl.col(REQUIRED_DOLLARS).is_null())),
        ("amount_out_of_range", pl.any_horizontal(outside, ~is_income, ~is_loan)),
        ("payments_do_not_add_up", gap > PAYMENT_TOLERANCE),
        ("principal_exceeds_loan", owed > most),
        ("installment_does_not_fit", ~fits),
        ("negative_count", pl.any_horizontal(pl.col(COUNTS) < 0)),
        ("revol_util_out_of_range", utilisation),
        ("per_cent_out_of_range", pl.any_horizontal(shares)),
    ]


def _implausible_months(months: pl.Enum, snapshot_month: date) -> list[tuple[str, pl.Expr]]:
    """The rules of months: nothing happens after the snapshot, and no payment before the issue.

    A credit pull, which decides nothing, may be in the month after a snapshot that few support. The
    months of hardships, settlements and the next payment are after the issue, and at most a year
    after the snapshot.
    """
    end = _month(snapshot_month, months)
    issued, paid, pulled = (
        pl.col(name).to_physical() for name in ("issue_d", "last_pymnt_d", "last_credit_pull_d")
    )
    late = pl.any_horizontal(issued > end, paid > end, pulled > end + 1)
    events = pl.col(EVENT_MONTHS).to_physical()
    outside = pl.any_horizontal((events < issued) | (events > end + LATEST_EVENT_MONTHS))
    return [
        ("date_after_snapshot", late),
        ("paid_before_issue", paid < issued),
        ("implausible_credit_pull", pulled < _month(OLDEST_CREDIT_PULL, months)),
        ("implausible_event_month", outside),
    ]


def first_broken_rule(
    has_ids: bool,
    months: pl.Enum,
    first_issue_month: date,
    snapshot_month: date,
    largest_principal: float,
) -> pl.Expr:
    """The first rule that a typed row breaks, or null; the first one is the most specific.

    Rows have the flags has_unreadable_number, has_mangled_date and has_unknown_emp_length; months
    are of the type `months`, whose categories follow each other in time.
    """
    issued = pl.col("issue_d").to_physical()
    credit_lines = pl.col("earliest_cr_line", "sec_app_earliest_cr_line").to_physical()
    oldest = _month(OLDEST_CREDIT_LINE, months)
    implausible = pl.any_horizontal((credit_lines > issued) | (credit_lines < oldest))
    scores = pl.col("fico_range_low", "fico_range_high")
    rules: list[tuple[str, pl.Expr]] = [
        ("unreadable_number", pl.col("has_unreadable_number")),
        ("mangled_date", pl.col("has_mangled_date")),
        ("missing_loan_amnt", pl.col("loan_amnt").is_null()),
        ("missing_loan_status", pl.col("loan_status").is_null()),
        ("missing_issue_d", pl.col("issue_d").is_null()),
        ("unknown_loan_status", ~pl.col("loan_status").is_in(LOAN_STATUSES)),
        ("term_not_36_or_60", ~pl.col("term").is_in(TERMS).fill_null(False)),
        ("int_rate_out_of_range", ~_is_rate().fill_null(False)),
        ("grade_mismatch", ~_grade_fits().fill_null(False)),
        ("unknown_emp_length", pl.col("has_unknown_emp_length")),
        ("implausible_earliest_cr_line", implausible),
        ("missing_id", pl.col("loan_id").is_null() & has_ids),
        ("id_in_scientific_notation", pl.col("loan_id").str.contains(SCIENTIFIC_ID) & has_ids),
        *_implausible_months(months, snapshot_month),
        *_implausible_dollars(largest_principal),
        ("fico_out_of_range", pl.any_horizontal(~scores.is_between(LOWEST_FICO, HIGHEST_FICO))),
        ("fico_range_is_reversed", pl.col("fico_range_low") > pl.col("fico_range_high")),
        *((f"unknown_{name}", _is_unknown(name)) for name in CHECKED_CODES),
        (BEFORE_FIRST_MONTH, issued < _month(first_issue_month, months)),
    ]
    return pl.coalesce(pl.when(broken).then(pl.lit(reason)) for reason, broken in rules)
