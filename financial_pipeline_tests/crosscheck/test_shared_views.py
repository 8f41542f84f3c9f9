"""DuckDB's side of the tails, against Python's."""

import math

import duckdb
import pytest
from scipy.stats import binomtest, norm

from financial_pipeline.crosscheck.recompute import statements
from financial_pipeline.schemas.intervals import Z_95


@pytest.fixture(scope="module")
def connection() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute(statements("rolling_volatility")[0])
    return connection


@pytest.mark.parametrize("z", [0.0, 0.04, 0.5, 1.0, 1.9, 2.0, 2.01, 3.0, 5.2, 7.4, 12.0, 26.0])
def test_erfc_keeps_its_digits_far_out(connection: duckdb.DuckDBPyConnection, z: float) -> None:
    (tail,) = connection.execute("select erfc(?::double)", [z]).fetchone() or (None,)
    assert tail == pytest.approx(math.erfc(z), rel=1e-12, abs=0)


def test_erfc_of_nothing_is_nothing(connection: duckdb.DuckDBPyConnection) -> None:
    rows = connection.execute("select erfc(z) from (values (null::double), (30.0)) t(z)").fetchall()
    assert rows == [(None,), (0.0,)]


def test_wilson_interval_equals_scipy(connection: duckdb.DuckDBPyConnection) -> None:
    query = "select wilson_low(602, 10085), wilson_high(602, 10085), z_95()"
    low, high, z = connection.execute(query).fetchone() or (None, None, None)
    expected = binomtest(602, 10_085).proportion_ci(method="wilson")
    assert (low, high) == pytest.approx((expected.low, expected.high), abs=1e-14)
    assert z == Z_95 == pytest.approx(norm.ppf(0.975), abs=1e-15)
