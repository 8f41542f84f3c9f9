"""Means, variances and covariances of the last n rows, from running totals.

A window that slides over every row costs n updates per row; the difference of two running totals
costs none. Returns are small numbers around zero, so the difference keeps thirteen digits. Totals
run from the first row on, so that every range of sessions gives the same bits.
"""

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, Window, WindowSpec
from pyspark.sql import functions as F

from financial_pipeline.spark.returns import FLAT_DEVIATION

PLACE = "place"


def with_totals(frame: DataFrame, order: WindowSpec, *names: str) -> DataFrame:
    """Adds the running totals of columns and of their products, and the row's place.

    `order` is an ordered window without a frame; within one of its partitions the columns are all
    present or all null.
    """
    so_far = order.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    moved = {
        f"moved_{name}": F.abs(F.col(name) - F.lag(name).over(order)) > FLAT_DEVIATION
        for name in names
    }
    totals = {f"total_{name}": F.sum(name).over(so_far) for name in names}
    products = {
        f"total_{name}_{other}": F.sum(F.col(name) * F.col(other)).over(so_far)
        for place, name in enumerate(names)
        for other in names[place:]
    }
    moves = {f"total_moved_{name}": F.count_if(f"moved_{name}").over(so_far) for name in names}
    placed = frame.withColumns({**moved, PLACE: F.row_number().over(order)})
    return placed.withColumns({**totals, **products, **moves})


@dataclass(frozen=True)
class LastRows:
    """Moments of the last `count` rows of an ordered window; null before there are so many.

    The frame must have gone through `with_totals` with the same order.
    """

    order: WindowSpec
    count: int

    def _difference(self, name: str, rows: int) -> Column:
        before = F.lag(f"total_{name}", rows).over(self.order)
        change = F.col(f"total_{name}") - F.coalesce(before, F.lit(0))
        return F.when(F.col(PLACE) >= self.count, change)

    def mean(self, name: str) -> Column:
        """The mean of a column."""
        return self._difference(name, self.count) / self.count

    def moves(self, name: str) -> Column:
        """Whether the column is anything but constant."""
        return self._difference(f"moved_{name}", self.count - 1) > 0

    def covariance(self, name: str, other: str) -> Column:
        """The sample covariance of two columns, in the order they were given in."""
        products = self._difference(f"{name}_{other}", self.count)
        return (products - self.count * self.mean(name) * self.mean(other)) / (self.count - 1)

    def deviation(self, name: str) -> Column:
        """The sample deviation; exactly zero for a constant column."""
        variance = F.greatest(self.covariance(name, name), F.lit(0.0))
        return F.when(self.moves(name), F.sqrt(variance)).when(~self.moves(name), F.lit(0.0))
