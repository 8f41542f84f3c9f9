"""The rules that a typed loan row must keep, as one Spark column, in the order of reporting."""

from datetime import date

from pyspark.sql import Column
from pyspark.sql import functions as F

from financial_pipeline.schemas.loan_rules import (
    HIGHEST_RATE,
    LOAN_STATUSES,
    LOWEST_RATE,
    OLDEST_CREDIT_LINE,
    SUB_GRADES,
    TERMS,
)
from financial_pipeline.schemas.staging import BEFORE_FIRST_MONTH


def first_broken_rule(has_ids: bool, first_issue_month: date) -> Column:
    """The first rule that a typed row breaks, or null; the order puts the most specific rule first.

    Rows have the flags has_unreadable_number, has_mangled_date and has_unknown_emp_length.
    """
    issued, credit_line = F.col("issue_d"), F.col("earliest_cr_line")
    grade_fits = F.col("sub_grade").isin(*SUB_GRADES) & F.col("sub_grade").startswith(
        F.col("grade")
    )
    rate_fits = F.col("int_rate").between(LOWEST_RATE, HIGHEST_RATE)
    too_old = credit_line < F.lit(OLDEST_CREDIT_LINE)
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
        ("implausible_earliest_cr_line", (credit_line > issued) | too_old),
        ("missing_id", F.col("loan_id").isNull() & F.lit(has_ids)),
        (BEFORE_FIRST_MONTH, issued < F.lit(first_issue_month)),
    ]
    return F.coalesce(*(F.when(broken, F.lit(reason)) for reason, broken in rules))


def _holds(condition: Column) -> Column:
    return F.coalesce(condition, F.lit(False))
