"""The rules that a typed loan row must keep, as one Spark column, in the order of reporting."""

from datetime import date
from functools import reduce
from operator import add

from pyspark.sql import Column
from pyspark.sql import functions as F

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


def _implausible_dollars(largest_principal: float) -> list[tuple[str, Column]]:
    """The rules of amounts, in dollars; every bound that a fact tests is one."""
    parts = reduce(add, map(F.col, PAYMENT_PARTS))
    outside = [~F.col(name).between(SMALLEST_DOLLARS, LARGEST_DOLLARS) for name in REQUIRED_DOLLARS]
    outside += [_is_no_income(F.col(name)) for name in ("annual_inc", "annual_inc_joint")]
    outside.append(~F.col("loan_amnt").between(SMALLEST_LOAN, LARGEST_LOAN))
    most = F.col("funded_amnt") * largest_principal
    owed = F.greatest("total_rec_prncp", "out_prncp")
    funded = F.col("funded_amnt")
    utilisation, *shares = (
        ~F.col(name).between(0, HIGHEST_UTILISATION) for name in ("revol_util", *SHARES)
    )
    repaid = F.col("installment") * F.col("term")
    fits = repaid.between(funded * SMALLEST_REPAYMENT, funded * LARGEST_REPAYMENT)
    return [
        ("missing_amount", _any(*(F.col(name).isNull() for name in REQUIRED_DOLLARS))),
        ("amount_out_of_range", _any(*outside)),
        ("payments_do_not_add_up", F.abs(F.col("total_pymnt") - parts) > PAYMENT_TOLERANCE),
        ("principal_exceeds_loan", owed > most),
        ("installment_does_not_fit", ~fits),
        ("negative_count", _any(*(F.col(name) < 0 for name in COUNTS))),
        ("revol_util_out_of_range", utilisation),
        ("per_cent_out_of_range", _any(*shares)),
    ]


def _is_no_income(income: Column) -> Column:
    return (income != 0) & ~income.between(SMALLEST_INCOME, LARGEST_DOLLARS)


def _implausible_months(snapshot_month: date) -> list[tuple[str, Column]]:
    """The rules of months: nothing happens after the snapshot, and no payment before the issue.

    A credit pull, which decides nothing, may be in the month after a snapshot that few support. The
    months of hardships, settlements and the next payment are after the issue, and at most a year
    after the snapshot.
    """
    end = F.lit(snapshot_month)
    pulled_late = F.col("last_credit_pull_d") > F.add_months(end, 1)
    late = _any(F.col("issue_d") > end, F.col("last_pymnt_d") > end, pulled_late)
    early = F.col("last_pymnt_d") < F.col("issue_d")
    pulled_early = F.col("last_credit_pull_d") < F.lit(OLDEST_CREDIT_PULL)
    ahead = F.add_months(end, LATEST_EVENT_MONTHS)
    outside = [(F.col(name) < F.col("issue_d")) | (F.col(name) > ahead) for name in EVENT_MONTHS]
    return [
        ("date_after_snapshot", late),
        ("paid_before_issue", early),
        ("implausible_credit_pull", pulled_early),
        ("implausible_event_month", _any(*outside)),
    ]


def _implausible_credit_line() -> Column:
    """Whether either applicant's first credit line is too old, or opened after the issue."""
    lines = [F.col(name) for name in ("earliest_cr_line", "sec_app_earliest_cr_line")]
    return _any(*((line > F.col("issue_d")) | (line < F.lit(OLDEST_CREDIT_LINE)) for line in lines))


def _any(*flags: Column) -> Column:
    return F.greatest(F.lit(False), F.lit(False), *flags)


def first_broken_rule(
    has_ids: bool, first_issue_month: date, snapshot_month: date, largest_principal: float
) -> Column:
    """The first rule that a typed row breaks, or null; the order puts the most specific rule first.

    Rows have the flags has_unreadable_number, has_mangled_date and has_unknown_emp_length.
    """
    issued = F.col("issue_d")
    grade_fits = F.col("sub_grade").isin(*SUB_GRADES) & F.col("sub_grade").startswith(
        F.col("grade")
    )
    rate_fits = F.col("int_rate").between(LOWEST_RATE, HIGHEST_RATE)
    scores = [
        ~F.col(name).between(LOWEST_FICO, HIGHEST_FICO)
        for name in ("fico_range_low", "fico_range_high")
    ]
    rules: list[tuple[str, Column]] = [
        ("unreadable_number", F.col("has_unreadable_number")),
        ("mangled_date", F.col("has_mangled_date")),
        ("missing_loan_amnt", F.col("loan_amnt").isNull()),
        ("missing_loan_status", F.col("loan_status").isNull()),
        ("missing_issue_d", issued.isNull()),
        ("unknown_loan_status", ~F.col("loan_status").isin(*LOAN_STATUSES)),
        ("term_not_36_or_60", ~_holds(F.col("term").isin(*TERMS))),
        ("int_rate_out_of_range", ~_holds(rate_fits)),
        ("grade_mismatch", ~_holds(grade_fits)),
        ("unknown_emp_length", F.col("has_unknown_emp_length")),
        ("implausible_earliest_cr_line", _implausible_credit_line()),
        ("missing_id", F.col("loan_id").isNull() & F.lit(has_ids)),
        ("id_in_scientific_notation", F.col("loan_id").rlike(SCIENTIFIC_ID) & F.lit(has_ids)),
        *_implausible_months(snapshot_month),
        *_implausible_dollars(largest_principal),
        ("fico_out_of_range", _any(*scores)),
        ("fico_range_is_reversed", F.col("fico_range_low") > F.col("fico_range_high")),
        *((f"unknown_{name}", ~F.col(name).isin(*CODES[name])) for name in CHECKED_CODES),
        (BEFORE_FIRST_MONTH, issued < F.lit(first_issue_month)),
    ]
    return F.coalesce(*(F.when(broken, F.lit(reason)) for reason, broken in rules))


def _holds(condition: Column) -> Column:
    return F.coalesce(condition, F.lit(False))
