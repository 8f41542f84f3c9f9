"""Cumulative default by month on book for quarterly vintages, with the incidence.

The default rate has a fixed denominator, all loans of the vintage. The cumulative incidence treats
a payoff as a competing event (Aalen-Johansen); the Kaplan-Meier column treats it as censoring and
is there to show by how much that overstates.
"""

from datetime import date
from typing import Final

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from financial_pipeline.schemas.metrics import VINTAGE_CURVES
from financial_pipeline.spark.contract import ratio, read_columns, write_columns
from financial_pipeline.spark.inference import wilson

LOAN_COLUMNS: Final = (
    "issue_month",
    "snapshot_month",
    "grade",
    "term_months",
    "credit_policy_met",
    "loan_state",
    "duration_months",
)
CURVE: Final = ("vintage_quarter", "grade", "term_months")
ALL_GRADES: Final = "all"


def vintage_curves(
    loans: DataFrame, first: date, last: date, *, default_lag_months: int
) -> DataFrame:
    """Curves of the quarters whose first month is in `first` to `last` (methodology 2.2-2.4).

    `loans` is fct_loans; `default_lag_months` is the lag of its event dating. No point is beyond
    the months that every loan of the vintage was observed for, less that lag. Months between two
    dates are calendar months.
    """
    known = read_columns(loans, LOAN_COLUMNS, "fct_loans").filter(
        F.col("credit_policy_met") & F.col("grade").isNotNull()
    )
    dated = known.withColumn("vintage_quarter", F.trunc("issue_month", "quarter")).filter(
        F.col("vintage_quarter").between(F.lit(first), F.lit(last))
    )
    durations = _durations(dated)
    curves = _with_rates(_events_by_month(durations, default_lag_months))
    return write_columns(curves, VINTAGE_CURVES, first, last)


def _durations(dated: DataFrame) -> DataFrame:
    """Loans per vintage, grade (and all grades) and duration; a few thousand rows."""
    graded = dated.withColumn("grade", F.explode(F.array(F.col("grade"), F.lit(ALL_GRADES))))
    return graded.groupBy(*CURVE, "duration_months").agg(
        F.count("*").alias("leaving"),
        F.count_if(F.col("loan_state") == "BAD").alias("defaults"),
        F.count_if(F.col("loan_state") == "PAID").alias("payoffs"),
        F.max("issue_month").alias("last_issue_month"),
        F.min("snapshot_month").alias("first_snapshot_month"),
    )


def _events_by_month(durations: DataFrame, lag: int) -> DataFrame:
    """One row per curve and observable month on book, with the loans that leave in it."""
    # A vintage has the same number of months for all its grades.
    vintage = Window.partitionBy("vintage_quarter")
    observed = F.months_between(
        F.min("first_snapshot_month").over(vintage), F.max("last_issue_month").over(vintage)
    )
    seen = durations.withColumn("observed_months", observed.cast("int") - lag)
    curves = seen.groupBy(*CURVE).agg(
        F.sum("leaving").alias("loans"),
        F.least(F.min("observed_months"), F.col("term_months") + lag).alias("last_month"),
    )
    months = curves.filter("last_month >= 1").withColumn(
        "months_on_book", F.explode(F.sequence(F.lit(1), F.col("last_month")))
    )
    events = durations.select(
        *CURVE,
        F.col("duration_months").alias("months_on_book"),
        "leaving",
        "defaults",
        "payoffs",
    )
    joined = months.join(events, [*CURVE, "months_on_book"], "left")
    return joined.fillna(0, ["leaving", "defaults", "payoffs"])


def _with_rates(events: DataFrame) -> DataFrame:
    until = (
        Window.partitionBy(*CURVE)
        .orderBy("months_on_book")
        .rowsBetween(Window.unboundedPreceding, Window.currentRow)
    )
    before = until.rowsBetween(Window.unboundedPreceding, -1)
    counted = events.withColumns(
        {
            "loans_at_risk": F.col("loans") - F.coalesce(F.sum("leaving").over(before), F.lit(0)),
            "cumulative_defaults": F.sum("defaults").over(until),
        }
    )
    rate = wilson(F.col("cumulative_defaults"), F.col("loans"))
    staying = 1 - ratio(F.col("defaults") + F.col("payoffs"), F.col("loans_at_risk"))
    hazards = counted.withColumns(
        {
            "default_hazard": ratio(F.col("defaults"), F.col("loans_at_risk")),
            "staying": F.coalesce(staying, F.lit(1.0)),
            "default_rate": rate.share,
            "default_rate_low": rate.low,
            "default_rate_high": rate.high,
        }
    )
    on_book = F.coalesce(F.product("staying").over(before), F.lit(1.0))
    incident = hazards.withColumn(
        "incidence", on_book * F.coalesce(F.col("default_hazard"), F.lit(0.0))
    )
    return incident.withColumns(
        {
            "cumulative_incidence": F.sum("incidence").over(until),
            "kaplan_meier_survival": F.product(
                1 - F.coalesce(F.col("default_hazard"), F.lit(0.0))
            ).over(until),
        }
    )
