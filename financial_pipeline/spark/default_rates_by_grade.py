"""Default rates per issue month, grade and term, for every default definition of the warehouse.

The flags come from `fct_loans`; nothing here decides what a default is.
"""

from datetime import date
from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from financial_pipeline.schemas.metrics import DEFAULT_RATES_BY_GRADE
from financial_pipeline.spark.contract import ratio, read_columns, write_columns
from financial_pipeline.spark.inference import wilson

# Definition as readers know it, and the flag with it: 1 bad, 0 good, null not known.
DEFINITIONS: Final = {
    "D0": "default_d0",
    "D1": "default_d1",
    "D2": "default_d2",
    "D3_12": "default_d3_12",
    "D3_24": "default_d3_24",
}
LOAN_COLUMNS: Final = (
    "issue_month",
    "grade",
    "term_months",
    "credit_policy_met",
    "is_active",
    "funded_amount_usd",
    *DEFINITIONS.values(),
)
CELL: Final = ("issue_month", "grade", "term_months")


def default_rates_by_grade(loans: DataFrame, first: date, last: date) -> DataFrame:
    """Count- and dollar-weighted default rates with Wilson intervals (methodology 1.3, 2.1).

    `loans` is fct_loans. Loans outside the credit policy are left out. A definition that knows no
    loan of a cell has zero loans and null rates.
    """
    known = read_columns(loans, LOAN_COLUMNS, "fct_loans").filter(
        F.col("credit_policy_met")
        & F.col("grade").isNotNull()
        & F.col("issue_month").between(F.lit(first), F.lit(last))
    )
    cells = known.groupBy(*CELL).agg(
        F.count("*").alias("originated_loans"),
        F.count_if("is_active").alias("active_loans"),
        F.array(*(_outcomes(name, flag) for name, flag in DEFINITIONS.items())).alias("outcomes"),
    )
    return write_columns(_rates(cells), DEFAULT_RATES_BY_GRADE, first, last)


def _outcomes(definition: str, flag: str) -> Column:
    funded = F.col("funded_amount_usd")
    return F.struct(
        F.lit(definition).alias("definition"),
        F.count(flag).alias("loans"),
        F.count_if(F.col(flag) == 1).alias("defaults"),
        F.coalesce(F.sum(F.when(F.col(flag).isNotNull(), funded)), F.lit(0)).alias("funded_usd"),
        F.coalesce(F.sum(F.when(F.col(flag) == 1, funded)), F.lit(0)).alias("defaulted_funded_usd"),
    )


def _rates(cells: DataFrame) -> DataFrame:
    rows = cells.select(*CELL, "originated_loans", "active_loans", F.inline("outcomes"))
    rate = wilson(F.col("defaults"), F.col("loans"))
    return rows.withColumns(
        {
            "still_active_share": ratio(F.col("active_loans"), F.col("originated_loans")),
            "default_rate": rate.share,
            "default_rate_low": rate.low,
            "default_rate_high": rate.high,
            "default_rate_usd_weighted": ratio(F.col("defaulted_funded_usd"), F.col("funded_usd")),
        }
    )
