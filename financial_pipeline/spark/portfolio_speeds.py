"""Speeds of prepayment and default: CPR and CDR of each month, in dollars."""

from datetime import date
from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from financial_pipeline.spark.contract import CENTS_PER_DOLLAR, cents, read_columns
from financial_pipeline.spark.portfolio_ratios import ALL

PERFORMANCE_COLUMNS: Final = (
    "performance_month",
    "months_on_book",
    "loan_state",
    "opening_balance_usd",
    "closing_balance_usd",
    "scheduled_principal_usd",
    "paid_principal_usd",
    "default_event",
)
BASIS: Final = "observed and reconstructed months"
PREPAYMENT: Final = "conditional_prepayment_rate"
DEFAULT: Final = "conditional_default_rate"


def portfolio_speeds(performance: DataFrame, first: date, last: date) -> DataFrame:
    """Monthly numerator and denominator of both speeds; their yearly form is taken elsewhere.

    `performance` is fct_loan_performance_monthly. Prepaid is principal paid above schedule by loans
    that are current or paid off, over what they owed after the scheduled payment; defaulted is the
    balance at default over all opening balances (methodology 2.6).
    """
    months = read_columns(performance, PERFORMANCE_COLUMNS, "fct_loan_performance_monthly").filter(
        (F.col("months_on_book") > 0)
        & F.col("performance_month").between(F.lit(first), F.lit(last))
    )
    sums = (
        _groups(months)
        .groupBy("snapshot_month")
        .agg(
            _sum_if("is_paying", "surplus").alias("prepaid"),
            _sum_if("is_paying", "owed").alias("owed"),
            F.coalesce(_sum_if("is_paying", "months"), F.lit(0)).alias("paying"),
            F.coalesce(_sum_if("is_default", "closing"), F.lit(0)).alias("lost"),
            F.sum("opening").alias("opening"),
            F.sum("months").alias("months"),
        )
    )
    speeds = F.array(
        _speed(PREPAYMENT, "prepaid", "owed", "paying"),
        _speed(DEFAULT, "lost", "opening", "months"),
    )
    return sums.select(
        "snapshot_month",
        F.lit(ALL).alias("segment_kind"),
        F.lit(ALL).alias("segment"),
        F.inline(speeds),
    )


def _groups(months: DataFrame) -> DataFrame:
    """Cents and loan months by month and condition.

    Sums without conditions take half the time of conditional ones, so conditions are groups.
    """
    opening, scheduled = (
        cents(F.col("opening_balance_usd")),
        cents(F.col("scheduled_principal_usd")),
    )
    return months.groupBy(
        F.col("performance_month").alias("snapshot_month"),
        F.col("loan_state").isin("CURRENT", "PAID").alias("is_paying"),
        (F.col("default_event") == 1).alias("is_default"),
    ).agg(
        F.sum(cents(F.col("paid_principal_usd")) - scheduled).alias("surplus"),
        F.sum(opening - scheduled).alias("owed"),
        F.sum(opening).alias("opening"),
        F.sum(cents(F.col("closing_balance_usd"))).alias("closing"),
        F.count("*").alias("months"),
    )


def _sum_if(condition: str, name: str) -> Column:
    return F.sum(F.when(F.col(condition), F.col(name)))


def _speed(name: str, numerator: str, denominator: str, loans: str) -> Column:
    return F.struct(
        F.lit(name).alias("measure"),
        (F.col(numerator) / CENTS_PER_DOLLAR).alias("numerator"),
        (F.col(denominator) / CENTS_PER_DOLLAR).alias("denominator"),
        F.col(loans).alias("loans"),
    )
