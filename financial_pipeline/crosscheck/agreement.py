"""Agreement of two engines on a metric table, with their largest difference."""

from dataclasses import asdict, dataclass, field
from typing import Any, Final

import polars as pl

from financial_pipeline.schemas.contract import MetricTable

# Relative tolerances; a difference below the floor is rounding around zero.
TOLERANCES: Final = {"sum": 1e-9, "ratio": 1e-6}
FLOOR: Final = 1e-12
EXACT: Final = ("key", "label", "integer")


@dataclass(frozen=True)
class Agreement:
    """The comparison of a table with its recomputation.

    `disagreements` maps columns to the number of rows that differ by more than allowed.
    """

    rows: int
    missing_rows: int
    extra_rows: int
    max_abs_difference: float
    max_rel_difference: float
    disagreements: dict[str, int] = field(default_factory=dict)
    failed_partitions: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """True where both engines have the same rows and every value agrees."""
        return not (self.missing_rows or self.extra_rows or self.disagreements)

    def facts(self) -> dict[str, Any]:
        """Return every number of the comparison by name, for the result of a check."""
        return asdict(self) | {"failed_partitions": list(self.failed_partitions)}


def compare(table: MetricTable, ours: pl.DataFrame, recomputed: pl.DataFrame) -> Agreement:
    """Compare a table with its recomputation, row by row on the table's keys.

    Integers and labels must be equal, sums agree within 1e-9 relative, ratios within 1e-6; a null
    agrees only with a null. Drawn columns must be an ordered interval within [-1, 1].
    """
    keys = list(table.keys)
    joined = ours.join(recomputed, on=keys, how="full", suffix=":other", nulls_equal=True)
    ours_missing, theirs_missing = (
        pl.col(keys[0]).is_null(),
        pl.col(f"{keys[0]}:other").is_null(),
    )
    both = joined.filter(~ours_missing & ~theirs_missing)
    differs = {name: _differs(table, name) for name in table.columns if name not in keys}
    flags = both.select(pl.col(table.partition), **differs)
    counts = flags.select(pl.col(name).sum() for name in differs).row(0, named=True)
    unmatched = joined.filter(ours_missing | theirs_missing).select(
        pl.coalesce(table.partition, f"{table.partition}:other").alias(table.partition)
    )
    bad = flags.filter(pl.any_horizontal(list(differs))).select(table.partition)
    absolute, relative = _largest(table, both)
    return Agreement(
        rows=ours.height,
        missing_rows=joined.filter(ours_missing).height,
        extra_rows=joined.filter(theirs_missing).height,
        max_abs_difference=absolute,
        max_rel_difference=relative,
        disagreements={name: count for name, count in counts.items() if count},
        failed_partitions=tuple(
            str(day) for day in sorted(pl.concat([unmatched, bad]).to_series().unique())
        ),
    )


def _differs(table: MetricTable, name: str) -> pl.Expr:
    role = table.columns[name].role
    value = pl.col(name)
    if role == "drawn":
        low, high = _interval(name)
        return (low > high) | (value.abs() > 1) | value.is_nan()
    other = pl.col(f"{name}:other")
    if role in EXACT:
        return value.ne_missing(other)
    value, other = value.cast(pl.Float64), other.cast(pl.Float64)
    allowed = pl.max_horizontal(value.abs(), other.abs()) * TOLERANCES[role] + FLOOR
    near = (value - other).abs() <= allowed
    return (
        pl.when(value.is_null() | other.is_null())
        .then(value.is_null() != other.is_null())
        .otherwise(~near | value.is_nan())
    )


def _interval(name: str) -> tuple[pl.Expr, pl.Expr]:
    stem = name.removesuffix("_low").removesuffix("_high")
    return pl.col(f"{stem}_low"), pl.col(f"{stem}_high")


def _largest(table: MetricTable, both: pl.DataFrame) -> tuple[float, float]:
    """The largest absolute and relative difference over all numbers; NaN counts as infinite."""
    numbers = [
        name for name, column in table.columns.items() if column.role in ("integer", "sum", "ratio")
    ]
    absolute: list[pl.Expr] = []
    relative: list[pl.Expr] = []
    for name in numbers:
        value, other = pl.col(name).cast(pl.Float64), pl.col(f"{name}:other").cast(pl.Float64)
        difference = (value - other).abs().fill_nan(float("inf"))
        size = pl.max_horizontal(value.abs(), other.abs())
        absolute.append(difference.max().alias(name))
        relative.append(
            pl.when(difference > FLOOR).then(difference / size).otherwise(0.0).max().alias(name)
        )
    return _maximum(both, absolute), _maximum(both, relative)


def _maximum(rows: pl.DataFrame, largest: list[pl.Expr]) -> float:
    return float(rows.select(pl.max_horizontal(pl.lit(0.0), *largest)).item())
