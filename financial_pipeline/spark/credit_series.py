"""Monthly credit series that macro series are compared with, as they were known at an as-of month.

36-month loans only, so that months stay comparable. Default flags are the warehouse's.
"""

from collections.abc import Sequence
from datetime import date
from typing import Final

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from financial_pipeline.spark.contract import month_list, ordered_sum, ratio, read_columns

LOAN_COLUMNS: Final = ("issue_month", "term_months", "default_d1", "default_d3_12")
PERFORMANCE_COLUMNS: Final = (
    "performance_month",
    "months_on_book",
    "term_months",
    "grade",
    "default_event",
)
TERM: Final = 36
# A month with fewer loans is too noisy to correlate.
MIN_LOANS: Final = 50
# Vintage series: the flag, and the months after issue until it is known, without the event lag.
VINTAGE_FLAGS: Final = {"D1": ("default_d1", TERM), "D3_12": ("default_d3_12", 12)}
HAZARD: Final = "calendar_hazard"
SEASONED: Final = "seasoning_adjusted_hazard"
CREDIT_SERIES: Final = (*VINTAGE_FLAGS, HAZARD, SEASONED)


def credit_series(
    loans: DataFrame,
    performance: DataFrame,
    as_of_months: Sequence[date],
    *,
    default_lag_months: int,
) -> DataFrame:
    """as_of_month, credit_series, month, value (fraction, or observed over expected) and loans.

    `loans` is fct_loans and `performance` is fct_loan_performance_monthly (methodology 4.3, C1 to
    C3). A vintage counts once its whole window, with the event lag for D3, is before the as-of
    month.
    """
    asked = F.broadcast(month_list(loans, as_of_months, "as_of_month"))
    vintages = _vintage_rates(loans, default_lag_months).join(
        asked, F.col("known_month") <= F.col("as_of_month")
    )
    shape = ("as_of_month", "credit_series", "month", "value", "loans")
    hazards = _hazards(performance, asked)
    rows = vintages.select(*shape).unionByName(hazards.select(*shape))
    return rows.filter(F.col("loans") >= MIN_LOANS)


def _vintage_rates(loans: DataFrame, lag: int) -> DataFrame:
    known = read_columns(loans, LOAN_COLUMNS, "fct_loans").filter(F.col("term_months") == TERM)
    flags = F.array(
        *(
            F.struct(
                F.lit(name).alias("credit_series"),
                F.count(flag).alias("loans"),
                F.count_if(F.col(flag) == 1).alias("defaults"),
                F.lit(window + (0 if name == "D1" else lag)).alias("wait"),
            )
            for name, (flag, window) in VINTAGE_FLAGS.items()
        )
    )
    rates = known.groupBy(F.col("issue_month").alias("month")).agg(flags.alias("flags"))
    return (
        rates.select("month", F.inline("flags"))
        .filter("loans > 0")
        .withColumns(
            {
                "known_month": F.add_months("month", F.col("wait")),
                "value": ratio(F.col("defaults"), F.col("loans")),
            }
        )
    )


def _hazards(performance: DataFrame, asked: DataFrame) -> DataFrame:
    """Defaults per loan on book in a month, raw and over what the book's age mix would give."""
    on_book = read_columns(performance, PERFORMANCE_COLUMNS, "fct_loan_performance_monthly").filter(
        (F.col("term_months") == TERM) & (F.col("months_on_book") > 0)
    )
    cells = on_book.groupBy("performance_month", "months_on_book", "grade").agg(
        F.count("*").alias("loans"), F.sum("default_event").alias("defaults")
    )
    known = cells.join(asked, F.col("performance_month") <= F.col("as_of_month"))
    baseline = known.groupBy("as_of_month", "months_on_book", "grade").agg(
        ratio(F.sum("defaults"), F.sum("loans")).alias("hazard")
    )
    expected = known.join(baseline, ["as_of_month", "months_on_book", "grade"]).withColumn(
        "term", F.col("loans") * F.col("hazard")
    )
    months = expected.groupBy("as_of_month", F.col("performance_month").alias("month")).agg(
        F.sum("loans").alias("loans"),
        F.sum("defaults").alias("defaults"),
        ordered_sum("term").alias("expected"),
    )
    adjusted = ratio(F.col("defaults"), F.col("expected"))
    series = F.array(
        F.struct(
            F.lit(HAZARD).alias("credit_series"),
            ratio(F.col("defaults"), F.col("loans")).alias("value"),
        ),
        F.struct(F.lit(SEASONED).alias("credit_series"), adjusted.alias("value")),
    )
    return months.select("as_of_month", "month", "loans", F.inline(series))
