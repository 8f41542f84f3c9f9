"""Returns and log volumes as whole units: the same ones in Python as in SQL."""

import math

import duckdb
import pytest

from financial_pipeline.streaming.indicators import UNITS, in_units

# One log in some hundred lies half-way between two units, as far as a double can tell.
VOLUMES = range(1, 20_000)


@pytest.mark.parametrize(("halves", "units"), [(1, 1), (3, 2), (5, 3), (-1, -1), (-5, -3), (0, 0)])
def test_a_half_goes_away_from_zero(halves: int, units: int) -> None:
    assert in_units(halves / 2 / UNITS) == units


def test_units_of_log_volumes_equal_those_of_sql() -> None:
    query = f"select round(ln(range::double) * {UNITS})::hugeint from range(1, {VOLUMES.stop})"
    expected = [row[0] for row in duckdb.execute(query).fetchall()]
    assert [in_units(math.log(volume)) for volume in VOLUMES] == expected
