"""The contract at both ends of a metric: an explicit select of named and typed columns."""

from collections.abc import Sequence
from datetime import date
from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from financial_pipeline.errors import PipelineError
from financial_pipeline.schemas.contract import MetricTable

CENTS_PER_DOLLAR: Final = 100


def read_columns(frame: DataFrame, columns: Sequence[str], table: str) -> DataFrame:
    """Only the named columns; raises PipelineError naming those that the table lacks."""
    missing = sorted(set(columns) - set(frame.columns))
    if missing:
        raise PipelineError(
            f"The table {table} lacks the columns {', '.join(missing)};"
            " rebuild the exports with this version of the project."
        )
    return frame.select(*columns)


def write_columns(frame: DataFrame, table: MetricTable, first: date, last: date) -> DataFrame:
    """The table's columns in contract order and type, for the partitions `first` to `last`."""
    in_range = frame.filter(F.col(table.partition).between(F.lit(first), F.lit(last)))
    return in_range.select(
        *(F.col(name).cast(column.type).alias(name) for name, column in table.columns.items())
    )


def ratio(numerator: Column, denominator: Column) -> Column:
    """Numerator over denominator as a double; null if the denominator is zero or null."""
    bottom = denominator.cast("double")
    return F.when(bottom != 0, numerator.cast("double") / bottom)


def cents(dollars: Column) -> Column:
    """Dollars as whole cents (bigint), whose sums are exact and far quicker than decimal ones.

    Spark computes on decimals of more than 18 digits object by object, and a sum has 28.
    """
    return F.rint(dollars.cast("double") * CENTS_PER_DOLLAR).cast("bigint")


def ordered_sum(name: str) -> Column:
    """An aggregate sum of doubles in sorted order: the same on every cluster, to the last bit."""
    return F.aggregate(
        F.sort_array(F.collect_list(name)), F.lit(0.0), lambda total, value: total + value
    )


def months_between(first: date, last: date) -> list[date]:
    """The first days of the months from that of `first` to that of `last`."""
    counts = range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
    return [date(count // 12, count % 12 + 1, 1) for count in counts]


def month_list(like: DataFrame, months: Sequence[date], name: str) -> DataFrame:
    """A column of months, for joins; built on Spark, so that no Python worker is started."""
    listed = F.array(*(F.lit(month) for month in months)).cast("array<date>")
    return like.sparkSession.range(1).select(F.explode(listed).alias(name))
