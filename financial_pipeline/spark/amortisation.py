"""The level payment of a loan, and monthly rates as yearly ones."""

from pyspark.sql import Column
from pyspark.sql import functions as F

from financial_pipeline.spark.contract import ratio

MONTHS_PER_YEAR = 12


def annuity_payment(principal: Column, annual_rate: Column, months: Column) -> Column:
    """The monthly payment that repays `principal` over `months`; the rate is a yearly fraction.

    Null over no month.

    Source: P i / (1 - (1 + i)^-n) with i a twelfth of the rate (methodology 9, G6).
    """
    monthly = annual_rate / MONTHS_PER_YEAR
    level = ratio(principal * monthly, 1 - F.pow(1 + monthly, -months))
    return F.when(monthly > 0, level).otherwise(ratio(principal, months))


def yearly(monthly_rate: Column) -> Column:
    """The share that leaves within a year at a monthly share: 1 - (1 - m)^12 (methodology 2.6)."""
    return 1 - F.pow(1 - monthly_rate, F.lit(MONTHS_PER_YEAR))
