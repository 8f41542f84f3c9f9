"""Means, variances and covariances of the last n sessions, from running totals.

A window that slides over every row costs n updates per row; the difference of two running totals
costs none. Returns are small numbers around zero, so the difference keeps thirteen digits. Totals
run from the first row on, so that every range of sessions gives the same bits.
"""

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, Window, WindowSpec
from pyspark.sql import functions as F

from financial_pipeline.spark.returns import FLAT_DEVIATION, is_covered

PLACE = "place"


def with_totals(frame: DataFrame, order: WindowSpec, *names: str) -> DataFrame:
    """Adds the running totals of columns and of their products, and the row's place.

    `order` is a window ordered by session_number, without a frame; within one of its partitions
    the columns are all present or all null.
    """
    so_far = order.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    before = F.lag("session_number").over(order)
    # The session of the row before, on rows that differ from it.
    moved = {
        f"moved_{name}": F.when(
            F.abs(F.col(name) - F.lag(name).over(order)) > FLAT_DEVIATION, before
        )
        for name in names
    }
    totals = {f"total_{name}": F.sum(name).over(so_far) for name in names}
    products = {
        f"total_{name}_{other}": F.sum(F.col(name) * F.col(other)).over(so_far)
        for place, name in enumerate(names)
        for other in names[place:]
    }
    moves = {f"moved_{name}": F.max(f"moved_{name}").over(so_far) for name in names}
    placed = frame.withColumns({**moved, PLACE: F.row_number().over(order)})
    return placed.withColumns({**totals, **products, **moves})


@dataclass(frozen=True)
class LastSessions:
    """Moments of the last `count` sessions of an ordered window; null below 95% coverage.

    The frame must have gone through `with_totals` with the same order.
    """

    order: WindowSpec
    count: int

    def _change(self, name: str) -> Column:
        earlier = self.order.rangeBetween(Window.unboundedPreceding, -self.count)
        before = F.last(name).over(earlier)
        return F.col(name) - F.coalesce(before, F.lit(0))

    def observations(self) -> Column:
        """The number of rows in the window, covered or not."""
        return self._change(PLACE)

    def _covered(self, value: Column) -> Column:
        so_far = self.order.rowsBetween(Window.unboundedPreceding, Window.currentRow)
        first = F.min("session_number").over(so_far)
        return F.when(is_covered(self.observations(), first, self.count), value)

    def mean(self, name: str) -> Column:
        """The mean of a column."""
        return self._covered(self._change(f"total_{name}") / self.observations())

    def moves(self, name: str) -> Column:
        """Whether the column is anything but constant."""
        start = F.col("session_number") - self.count
        return self._covered(F.coalesce(F.col(f"moved_{name}") > start, F.lit(False)))

    def covariance(self, name: str, other: str) -> Column:
        """The sample covariance of two columns, in the order they were given in."""
        rows = self.observations()
        products = self._change(f"total_{name}_{other}")
        return (products - rows * self.mean(name) * self.mean(other)) / (rows - 1)

    def deviation(self, name: str) -> Column:
        """The sample deviation; exactly zero for a constant column."""
        variance = F.greatest(self.covariance(name, name), F.lit(0.0))
        return F.when(self.moves(name), F.sqrt(variance)).when(~self.moves(name), F.lit(0.0))
