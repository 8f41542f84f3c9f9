"""Macro values as known: lags never look ahead, leads are revised, and errors respect time."""

from collections.abc import Callable
from datetime import date

import numpy as np
import polars as pl
import pytest
import statsmodels.api as sm
from arch.bootstrap import StationaryBootstrap, optimal_block_length
from pyspark.sql import DataFrame
from scipy.stats import false_discovery_control
from statsmodels.stats.multitest import multipletests

from financial_pipeline.spark import correlation_inference as inference
from financial_pipeline.spark.known_macro import lagged_as_known, latest_as_of
from financial_pipeline_tests.spark.conftest import Frame, collect

Rows = Callable[[str], pl.DataFrame]


def autoregressive(seed: int, months: int, memory: float) -> np.ndarray:
    random = np.random.default_rng(seed)
    values = np.zeros(months)
    for month in range(1, months):
        values[month] = memory * values[month - 1] + random.normal()
    return values


@pytest.fixture(scope="module")
def series() -> tuple[np.ndarray, np.ndarray]:
    x = autoregressive(1, 120, 0.7)
    return x, 0.5 * x + autoregressive(2, 120, 0.6)


def vintages(frame: Frame, *rows: tuple[str, date, date, date, float]) -> DataFrame:
    names = ["indicator_id", "observation_date", "realtime_start", "realtime_end", "value"]
    return frame(pl.DataFrame(rows, schema=names, orient="row"))


FOREVER = date(9999, 12, 31)
JANUARY, RELEASE, REVISION = date(2015, 1, 1), date(2015, 2, 10), date(2015, 9, 1)


def test_lagged_value_is_of_the_vintage_that_stood_in_the_credit_month(frame: Frame) -> None:
    known = vintages(
        frame,
        ("unrate", JANUARY, RELEASE, REVISION, 5.7),
        ("unrate", JANUARY, REVISION, FOREVER, 5.5),
    )
    rows = collect(lagged_as_known(known)).sort("month")
    by_month = dict(zip(rows["month"], rows["value"], strict=True))
    # Lags one to twelve, each as it stood at that month's end.
    assert len(by_month) == 12
    assert by_month[date(2015, 2, 1)] == 5.7
    assert by_month[date(2015, 8, 1)] == 5.7
    assert by_month[date(2015, 9, 1)] == 5.5


def test_value_that_was_not_released_by_the_month_end_is_not_known(frame: Frame) -> None:
    late = vintages(frame, ("unrate", JANUARY, date(2015, 4, 2), FOREVER, 5.7))
    months = set(collect(lagged_as_known(late))["month"])
    assert min(months) == date(2015, 4, 1)
    # The planted error: an observation that only a later reader could have seen.
    assert collect(latest_as_of(late, [date(2015, 3, 1)])).is_empty()
    assert collect(latest_as_of(late, [date(2015, 4, 1)]))["value"].to_list() == [5.7]


def test_quarter_is_a_step_of_the_newest_known_quarter(frame: Frame) -> None:
    known = vintages(
        frame,
        ("gdp_growth_saar", date(2014, 10, 1), date(2015, 1, 30), FOREVER, 2.0),
        ("gdp_growth_saar", JANUARY, date(2015, 4, 29), FOREVER, 0.5),
    )
    rows = collect(lagged_as_known(known)).filter(lag_months=1)
    by_month = dict(zip(rows["month"], rows["value"], strict=True))
    assert by_month[date(2015, 3, 1)] == 2.0
    assert by_month[date(2015, 4, 1)] == 0.5


def test_lags_use_known_values_and_leads_are_flagged_as_revised(metric_rows: Rows) -> None:
    rows = metric_rows("macro_correlations")
    assert rows.filter(pl.col("revised") != (pl.col("lag_months") <= 0)).is_empty()
    assert rows.filter(pl.col("newest_release") > date(2016, 12, 31)).is_empty()
    assert rows.filter(pl.col("correlation").is_not_null() & (pl.col("months") < 24)).is_empty()
    trapped = rows.filter(pl.col("caution").is_not_null())
    assert set(trapped["credit_series"]) == {"D1", "D3_12"}
    assert set(trapped["macro_series"]) == {"unrate"}
    assert trapped["lag_months"].min() == 0


def test_hac_interval_equals_statsmodels(series: tuple[np.ndarray, np.ndarray]) -> None:
    x, y = series
    lags = inference.newey_west_lags(len(x))
    ours = inference.hac(x, y, lags)
    scaled = [(values - values.mean()) / values.std(ddof=1) for values in series]
    fit = sm.OLS(scaled[1], sm.add_constant(scaled[0])).fit(
        cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": True}
    )
    assert ours.p_value == pytest.approx(fit.pvalues[1], rel=1e-8)
    assert (ours.low, ours.high) == pytest.approx(tuple(fit.conf_int()[1]), abs=1e-7)


@pytest.mark.parametrize(("seed", "memory"), [(3, 0.0), (4, 0.5), (5, 0.8), (6, 0.95)])
def test_block_length_equals_arch(seed: int, memory: float) -> None:
    values = autoregressive(seed, 150, memory)
    expected = optimal_block_length(values)["stationary"].iloc[0]
    assert inference.block_length(values) == pytest.approx(expected, rel=1e-9)


def test_bootstrap_interval_is_close_to_arch_and_repeats_itself(
    series: tuple[np.ndarray, np.ndarray],
) -> None:
    x, y = series
    ours = inference.bootstrap_intervals([(x, y, 6)])[0]
    assert inference.bootstrap_intervals([(x, y, 6), (y, x, 6)])[0] == ours
    bootstrap = StationaryBootstrap(6, x, y, seed=7)
    theirs = bootstrap.conf_int(
        lambda a, b: np.corrcoef(a, b)[0, 1], reps=2000, method="percentile"
    )
    assert ours == pytest.approx(tuple(theirs[:, 0]), abs=0.03)


def test_q_values_equal_statsmodels() -> None:
    p_values = np.random.default_rng(5).random(200) ** 2
    expected = multipletests(p_values, method="fdr_bh")[1]
    assert false_discovery_control(p_values) == pytest.approx(expected, rel=1e-12)
    assert false_discovery_control([]).tolist() == []
