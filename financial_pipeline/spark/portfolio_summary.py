"""The portfolio month by month: the KPI table, losses, concentration, delinquency and approvals."""

from datetime import date
from functools import reduce
from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from financial_pipeline.schemas.metrics import PORTFOLIO_SUMMARY
from financial_pipeline.spark.amortisation import yearly
from financial_pipeline.spark.contract import (
    cents,
    month_list,
    months_between,
    ratio,
    read_columns,
    write_columns,
)
from financial_pipeline.spark.inference import wilson
from financial_pipeline.spark.loan_cells import LOAN_COLUMNS, loan_cells
from financial_pipeline.spark.portfolio_losses import expected_losses
from financial_pipeline.spark.portfolio_ratios import (
    ALL,
    BASIS,
    accumulated_ratios,
)
from financial_pipeline.spark.portfolio_speeds import BASIS as SPEED_BASIS
from financial_pipeline.spark.portfolio_speeds import DEFAULT, PREPAYMENT, portfolio_speeds
from financial_pipeline.spark.rating_transitions import LIVE_STATES

APPLICATION_COLUMNS: Final = ("issue_month", "grade", "purpose", "addr_state", "funded_amnt")
PERFORMANCE_COLUMNS: Final = ("performance_month", "grade", "loan_state", "is_reconstructed")
REJECTION_COLUMNS: Final = ("application_month",)
OBSERVED: Final = "observed snapshot"
APPLICATIONS: Final = "issued loans and rejected applications of the month"
# Shares of a count, which carry an interval.
SHARES: Final = ("default_rate_matured", "delinquent_30_plus", "approval_rate")
# Totals, which are their own value.
TOTALS: Final = ("loans", "funded_usd", "hhi_funded", "effective_number")
# Monthly shares that are shown as yearly ones.
SPEEDS: Final = (PREPAYMENT, DEFAULT)
SEGMENT: Final = ("snapshot_month", "measure", "segment_kind", "segment")


def portfolio_summary(
    loans: DataFrame,
    applications: DataFrame,
    performance: DataFrame,
    rejections: DataFrame,
    first: date,
    last: date,
) -> DataFrame:
    """All measures of methodology 2.7, 2.8, 2.11 and the loan cards of 6.5, per snapshot month.

    Inputs are fct_loans, fct_loan_applications, fct_loan_performance_monthly and
    fct_loan_rejections. Months run from the first issue to the newest snapshot.
    """
    cells = loan_cells(read_columns(loans, LOAN_COLUMNS, "fct_loans"))
    months = _months(cells, first, last)
    parts = [
        accumulated_ratios(cells, months).withColumn("basis", F.lit(BASIS)),
        expected_losses(cells, months).withColumn("basis", F.lit(BASIS)),
        concentration(applications, months).withColumn("basis", F.lit(BASIS)),
        _delinquency(performance, first, last).withColumn("basis", F.lit(OBSERVED)),
        portfolio_speeds(performance, first, last).withColumn("basis", F.lit(SPEED_BASIS)),
        _approvals(cells, rejections, months).withColumn("basis", F.lit(APPLICATIONS)),
    ]
    rows = reduce(DataFrame.unionByName, (part.select(*_SHAPE) for part in parts))
    return write_columns(_with_values(rows), PORTFOLIO_SUMMARY, first, last)


_SHAPE: Final = (*SEGMENT, "numerator", "denominator", "loans", "basis")


def _months(cells: DataFrame, first: date, last: date) -> DataFrame:
    """The snapshot months asked for; they are known before the plans that join them are made."""
    bounds = cells.agg(F.min("issue_month").alias("start"), F.max("snapshot_month").alias("end"))
    span = bounds.first()
    start, end = (span["start"], span["end"]) if span else (None, None)
    if start is None or end is None:
        return month_list(cells, [], "snapshot_month")
    return month_list(cells, months_between(max(start, first), min(end, last)), "snapshot_month")


def _with_values(rows: DataFrame) -> DataFrame:
    numerator, denominator = F.col("numerator"), F.col("denominator")
    share = ratio(numerator, denominator)
    value = (
        F.when(F.col("measure").isin(*TOTALS), numerator)
        .when(F.col("measure").isin(*SPEEDS), yearly(share))
        .otherwise(share)
    )
    is_loss = F.col("measure") == "loss_given_default_on_ead"
    clipped = F.when(is_loss, F.least(F.greatest(value, F.lit(0.0)), F.lit(1.0))).otherwise(value)
    interval = wilson(numerator, denominator)

    def bound(column: Column) -> Column:
        return F.when(F.col("measure").isin(*SHARES), column)

    return rows.withColumns(
        {"value": clipped, "value_low": bound(interval.low), "value_high": bound(interval.high)}
    )


SEGMENT_KINDS: Final = (("grade", "grade"), ("state", "addr_state"), ("purpose", "purpose"))


def concentration(applications: DataFrame, months: DataFrame) -> DataFrame:
    """Herfindahl index of funded dollars by grade, state and purpose, and one over it."""
    issued = read_columns(applications, APPLICATION_COLUMNS, "fct_loan_applications")
    segments = F.array(
        *(
            F.struct(F.lit(kind).alias("kind"), F.col(name).cast("string").alias("member"))
            for kind, name in SEGMENT_KINDS
        )
    )
    cells = (
        issued.select("issue_month", cents(F.col("funded_amnt")).alias("cents"), F.inline(segments))
        .groupBy("issue_month", "kind", "member")
        .agg(F.sum("cents").alias("funded"), F.count("*").alias("loans"))
    )
    known = cells.join(F.broadcast(months), F.col("issue_month") <= F.col("snapshot_month"))
    shares = known.groupBy("snapshot_month", "kind", "member").agg(
        F.sum("funded").cast("decimal(18,0)").alias("funded"), F.sum("loans").alias("loans")
    )
    index = shares.groupBy("snapshot_month", "kind").agg(
        # Cents; squares of decimals are exact, so the order of members does not matter.
        F.sum(F.col("funded") * F.col("funded")).cast("double").alias("squares"),
        (F.sum("funded").cast("double") ** 2).alias("square"),
        F.sum("loans").alias("loans"),
    )
    hhi = ratio(F.col("squares"), F.col("square"))
    members = ratio(F.col("square"), F.col("squares"))
    measures = F.array(_measure("hhi_funded", hhi), _measure("effective_number", members))
    return index.select(
        "snapshot_month",
        "loans",
        F.col("kind").alias("segment_kind"),
        F.lit(ALL).alias("segment"),
        F.inline(measures),
    )


def _measure(name: str, value: Column) -> Column:
    return F.struct(
        F.lit(name).alias("measure"),
        value.alias("numerator"),
        F.lit(None).cast("double").alias("denominator"),
    )


def _delinquency(performance: DataFrame, first: date, last: date) -> DataFrame:
    """Loans 31 to 120 days late among live loans, where a snapshot observed them."""
    seen = read_columns(performance, PERFORMANCE_COLUMNS, "fct_loan_performance_monthly").filter(
        ~F.col("is_reconstructed")
        & F.col("loan_state").isin(*LIVE_STATES)
        & F.col("performance_month").between(F.lit(first), F.lit(last))
    )
    counts = seen.groupBy(F.col("performance_month").alias("snapshot_month"), "grade").agg(
        F.count_if(F.col("loan_state") == "D31_120").alias("late"), F.count("*").alias("live")
    )
    kinds = F.array(
        F.struct(F.lit(ALL).alias("segment_kind"), F.lit(ALL).alias("segment")),
        F.struct(F.lit("grade").alias("segment_kind"), F.col("grade").alias("segment")),
    )
    rows = counts.select("snapshot_month", "late", "live", F.inline(kinds)).filter(
        "segment is not null"
    )
    return rows.groupBy("snapshot_month", "segment_kind", "segment").agg(
        F.lit("delinquent_30_plus").alias("measure"),
        F.sum("late").cast("double").alias("numerator"),
        F.sum("live").cast("double").alias("denominator"),
        F.sum("live").alias("loans"),
    )


def _approvals(cells: DataFrame, rejections: DataFrame, months: DataFrame) -> DataFrame:
    """Issued loans among all applications of a month; only months with rejections on file."""
    rejected = read_columns(rejections, REJECTION_COLUMNS, "fct_loan_rejections")
    refused = rejected.groupBy(F.col("application_month").alias("snapshot_month")).agg(
        F.count("*").alias("refused")
    )
    issued = cells.groupBy(F.col("issue_month").alias("snapshot_month")).agg(
        F.sum("loans").alias("issued")
    )
    both = months.join(refused, "snapshot_month").join(issued, "snapshot_month", "left")
    accepted = F.coalesce(F.col("issued"), F.lit(0))
    return both.select(
        "snapshot_month",
        F.lit("approval_rate").alias("measure"),
        F.lit(ALL).alias("segment_kind"),
        F.lit(ALL).alias("segment"),
        accepted.cast("double").alias("numerator"),
        (accepted + F.col("refused")).cast("double").alias("denominator"),
        (accepted + F.col("refused")).alias("loans"),
    )
