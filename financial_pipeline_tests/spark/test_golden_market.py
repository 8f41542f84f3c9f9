"""Market formulas on the golden vectors G1, G2, G3 and G7 (methodology section 9)."""

from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
import scipy
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from financial_pipeline.spark import (
    bill_rate,
    correlation_inference,
    ewma,
    market_risk,
    range_volatility,
    return_correlations,
    returns,
    rolling_volatility,
    sharpe_ratios,
    value_at_risk,
)
from financial_pipeline.spark.inference import chi_square_tail_1
from financial_pipeline_tests.spark.conftest import Frame, collect

PRICES = [100.0, 102, 101, 105, 103, 104, 99, 100]
OTHER_RETURNS = [0.01, -0.004, 0.02, -0.01, 0.006, -0.03, 0.008]
TOLERANCE = 1e-12
MONDAY = date(2018, 1, 1)


def bank(symbol: str, closes: list[float], **also: Any) -> pl.DataFrame:
    days = [MONDAY + timedelta(days=count) for count in range(len(closes))]
    return pl.DataFrame(
        {"symbol": symbol, "session_date": days, "adjusted_close": closes, **also},
        schema_overrides={"adjusted_close": pl.Float64},
    )


def two_banks() -> pl.DataFrame:
    other = 50 * np.cumprod([1.0, *(1 + move for move in OTHER_RETURNS)])
    return pl.concat([bank("A", PRICES), bank("B", other.tolist())])


def last_of_a(rows: pl.DataFrame) -> dict[str, Any]:
    return rows.filter(symbol="A").sort("session_date").row(-1, named=True)


def close(value: float, tolerance: float = TOLERANCE) -> Any:
    return pytest.approx(value, rel=tolerance, abs=tolerance)


@pytest.fixture(scope="module")
def g1(frame: Frame) -> dict[str, Any]:
    simple = returns.simple_returns(frame(two_banks()))
    drawn = market_risk.with_worst_fall(market_risk.with_drawdowns(simple), window=7)
    columns = market_risk.with_beta(drawn, window=7)
    losses = value_at_risk.tail_losses(columns, window=7, confidence=0.9)
    volatile = rolling_volatility.volatilities(losses, (7,))
    return last_of_a(collect(ewma.ewma_volatility(volatile)))


def test_returns_and_volatility_equal_g1(g1: dict[str, Any], frame: Frame) -> None:
    rows = collect(returns.simple_returns(frame(bank("A", PRICES)))).sort("session_date")
    assert rows["simple_return"][0] is None
    assert rows["simple_return"][3] == close(0.03960396039603964)
    assert rows["simple_return"][6] == close(-0.04807692307692313)
    assert g1["volatility_7d"] == close(0.4552322727914378)


def test_risk_measures_equal_g1(g1: dict[str, Any]) -> None:
    assert g1["max_drawdown_full"] == close(-0.05714285714285716)
    assert g1["max_drawdown_252d"] == close(-0.05714285714285716)
    assert g1["value_at_risk"] == close(0.030659340659340704)
    assert g1["expected_shortfall"] == close(0.04807692307692313)
    assert g1["ewma_volatility"] == close(0.35913926919020206)
    assert g1["beta_252d"] == close(1.7346158941656773)


def test_ewma_does_not_depend_on_its_block_length(frame: Frame) -> None:
    simple = returns.simple_returns(frame(two_banks()))
    whole = collect(ewma.ewma_volatility(simple)).sort("symbol", "session_date")
    # 0.001 to the third power is below what a test of 1e-6 can see.
    quick = collect(ewma.ewma_volatility(simple, decay=0.001, block=3))
    single = collect(ewma.ewma_volatility(simple, decay=0.001))
    assert whole["ewma_volatility"].null_count() == 2
    keys = ["symbol", "session_date"]
    assert quick.sort(keys)["ewma_volatility"].fill_null(-1).to_list() == pytest.approx(
        single.sort(keys)["ewma_volatility"].fill_null(-1).to_list(), rel=1e-6
    )


@pytest.mark.parametrize(
    ("discount", "expected"), [(0.0, 0.1965344141747006), (None, 0.08934762060693334)]
)
def test_sharpe_ratio_equals_g1(frame: Frame, discount: float | None, expected: float) -> None:
    # The discount rate whose coupon-equivalent yield is 5 %.
    rate = 360 * 0.05 / (365 + 91 * 0.05) if discount is None else discount
    bills = pl.DataFrame(
        {
            "indicator_id": ["bill_rate_discount"],
            "observation_date": [date(2017, 12, 29)],
            "realtime_start": [date(2017, 12, 30)],
            "value": [rate],
        }
    )
    rows = collect(
        sharpe_ratios.sharpe_ratios(
            frame(bank("A", PRICES)), frame(bills), MONDAY, date(2018, 12, 31), window=7
        )
    )
    last = last_of_a(rows)
    assert last["sharpe_full"] == close(expected)
    assert last["sharpe_252d"] == close(expected)
    assert last["annual_growth_full"] == close(0.0)
    if discount == 0.0:
        assert last["sortino_full"] == close(0.28330581905207874)


def test_correlations_equal_g1(frame: Frame) -> None:
    pairs = return_correlations.bank_pairs(returns.simple_returns(frame(two_banks())))
    rows = collect(return_correlations.correlations(pairs, (7,)))
    assert rows.sort("session_date")["correlation_7d"][-1] == close(0.992694468654156)
    moves = np.diff(PRICES) / np.array(PRICES[:-1])
    ranks = scipy.stats.rankdata(moves)
    others = scipy.stats.rankdata(np.array(OTHER_RETURNS))
    assert correlation_inference.correlation(ranks, others) == close(1.0)


def test_range_estimators_equal_g2(frame: Frame) -> None:
    closes = [99.5, 102.0, 101.5, 99.0]
    rows = bank(
        "A",
        closes,
        open=[None, 100.0, 102, 101],
        high=[None, 103.0, 104, 102],
        low=[None, 99.0, 101, 98],
        close=closes,
        has_valid_range=[False, True, True, True],
    )
    simple = returns.simple_returns(frame(rows), *range_volatility.RANGE_COLUMNS)
    logs = range_volatility.with_log_prices(simple)
    last = last_of_a(collect(range_volatility.range_volatilities(logs, window=3)))
    assert last["parkinson"] == close(0.3492507572183069)
    assert last["garman_klass"] == close(0.37763246678162476)
    assert last["rogers_satchell"] == close(0.3789759038918016)
    assert last["yang_zhang"] == close(0.38157491233883073)


@pytest.mark.parametrize(
    ("forecasts", "hits", "expected", "statistic", "p_value"),
    [
        (250, 5, 0.01, 1.956809788230622, 0.16185),
        (250, 0, 0.01, 5.025167926750726, 0.02498),
        (1000, 62, 0.05, 2.826032308734341, 0.09275),
        (30, 7, 0.01, 32.33833117288029, 0.0),
    ],
)
def test_kupiec_test_equals_g3(
    spark: SparkSession,
    forecasts: int,
    hits: int,
    expected: float,
    statistic: float,
    p_value: float,
) -> None:
    value = value_at_risk.kupiec_statistic(F.lit(forecasts), F.lit(hits), expected)
    row = collect(
        spark.range(1).select(value.alias("lr")).withColumn("p", chi_square_tail_1(F.col("lr")))
    )
    assert row["lr"][0] == close(statistic)
    assert row["p"][0] == pytest.approx(p_value, abs=5e-6)


def test_christoffersen_test_equals_g3(spark: SparkSession) -> None:
    value = value_at_risk.christoffersen_statistic(*map(F.lit, (91, 3, 3, 2)))
    row = collect(
        spark.range(1).select(value.alias("lr")).withColumn("p", chi_square_tail_1(F.col("lr")))
    )
    assert row["lr"][0] == close(6.298500316769143)
    assert row["p"][0] == pytest.approx(0.01208, abs=5e-6)


def test_bill_rate_equals_g7(spark: SparkSession) -> None:
    row = collect(
        spark.range(1).select(
            bill_rate.bill_yield(F.lit(0.0441)).alias("yield"),
            bill_rate.bill_yield(F.lit(0.0530)).alias("higher"),
            bill_rate.bill_return(F.lit(0.0441)).alias("daily"),
        )
    )
    assert round(row["yield"][0] * 100, 4) == 4.5217
    assert round(row["higher"][0] * 100, 4) == 5.4466
    assert row["daily"][0] == pytest.approx(0.0001755078, abs=5e-10)
