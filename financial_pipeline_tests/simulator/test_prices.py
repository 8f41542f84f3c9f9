"""The simulated prices look like those of banks, and their files obey the rules of real ones."""

from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from financial_pipeline.settings import Settings
from financial_pipeline.simulator.price_paths import (
    BANKS,
    CORRELATION,
    MU,
    OVERNIGHT_SHARE,
    PricePaths,
    simulate_paths,
)
from financial_pipeline.simulator.prices import adjusted_closes, crisis_sessions, write_prices

SEED = Settings.model_fields["seed"].default
CALM = (date(2012, 1, 1), date(2018, 12, 31))


@pytest.fixture(scope="module")
def price_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("prices")
    write_prices(folder, SEED)
    return folder


def history(folder: Path, symbol: str) -> pl.DataFrame:
    return pl.read_csv(folder / f"{symbol}.csv", try_parse_dates=True)


def log_returns(folder: Path, symbol: str) -> pl.DataFrame:
    move = pl.col("Close").log().diff().alias("move")
    return history(folder, symbol).select("Date", move).drop_nulls()


def excess_kurtosis(moves: pl.Series) -> float:
    return float(moves.kurtosis())


def autocorrelation(moves: pl.Series) -> float:
    return float(np.corrcoef(moves[1:], moves[:-1])[0, 1])


@pytest.fixture(scope="module")
def paths(price_folder: Path) -> PricePaths:
    sessions = history(price_folder, "JPM")["Date"].to_numpy()
    return simulate_paths(crisis_sessions(sessions, SEED), SEED)


@pytest.mark.parametrize("symbol", BANKS)
def test_write_prices_covers_every_session_of_the_range(price_folder: Path, symbol: str) -> None:
    frame = history(price_folder, symbol)
    assert frame.columns == [
        "Date",
        "Open",
        "High",
        "Low",
        "Close",
        "Adj Close",
        "Volume",
        "Dividends",
        "Stock Splits",
        "Simulated",
    ]
    assert (frame["Date"][0], frame["Date"][-1]) == (date(2000, 1, 3), date(2019, 3, 29))
    assert frame["Date"].n_unique() == frame.height == 4840
    assert frame.null_count().sum_horizontal().item() == 0


@pytest.mark.parametrize("symbol", BANKS)
def test_simulated_range_holds_open_and_close(price_folder: Path, symbol: str) -> None:
    frame = history(price_folder, symbol)
    assert (frame["Low"] <= frame.select(pl.min_horizontal("Open", "Close")).to_series()).all()
    assert (frame["High"] >= frame.select(pl.max_horizontal("Open", "Close")).to_series()).all()
    assert frame["Low"].min() > 0
    assert frame["Volume"].min() > 0


@pytest.mark.parametrize("symbol", BANKS)
def test_simulated_tails_match_those_of_2004_to_2018(price_folder: Path, symbol: str) -> None:
    returns = log_returns(price_folder, symbol)
    calm = returns.filter(pl.col("Date").is_between(*CALM))["move"]
    assert 1.9 < excess_kurtosis(calm) < 4.2
    assert excess_kurtosis(returns["move"]) > 15
    assert 0.10 < autocorrelation(calm.abs()) < 0.20
    assert 0.30 < autocorrelation(returns["move"].abs()) < 0.48
    assert -0.10 < autocorrelation(returns["move"]) < 0.05


@pytest.mark.parametrize(
    ("symbol", "calm_volatility"),
    [("JPM", 0.219), ("BAC", 0.276), ("C", 0.260), ("WFC", 0.198), ("GS", 0.234)],
)
def test_simulated_calm_volatility_is_that_of_the_bank(
    price_folder: Path, symbol: str, calm_volatility: float
) -> None:
    calm = log_returns(price_folder, symbol).filter(pl.col("Date").is_between(*CALM))["move"]
    assert calm.std() * 252**0.5 == pytest.approx(calm_volatility, rel=0.15)


def test_crisis_sessions_are_at_least_twice_as_volatile(
    price_folder: Path, paths: PricePaths
) -> None:
    sessions = history(price_folder, "JPM")["Date"].to_numpy()
    crisis = crisis_sessions(sessions, SEED)
    returns = paths.overnight + paths.close
    assert 200 < crisis.sum() < 500
    assert (returns[crisis].std(axis=0) > 2 * returns[~crisis].std(axis=0)).all()


def test_simulated_shocks_have_the_correlations_of_the_methodology(paths: PricePaths) -> None:
    shocks = (paths.overnight + paths.close - MU / 100) / paths.volatility
    np.testing.assert_allclose(np.corrcoef(shocks.T), CORRELATION, atol=0.06)
    np.testing.assert_allclose(shocks.std(axis=0, ddof=1), 1.0, atol=0.06)


def test_the_night_has_its_share_of_the_variance(paths: PricePaths) -> None:
    overnight = ((paths.overnight - MU / 100) / paths.volatility).var(axis=0)
    total = ((paths.overnight + paths.close - MU / 100) / paths.volatility).var(axis=0)
    np.testing.assert_allclose(overnight / total, OVERNIGHT_SHARE, atol=0.02)


@pytest.mark.parametrize("symbol", BANKS)
def test_simulated_volume_grows_with_the_move(price_folder: Path, symbol: str) -> None:
    frame = history(price_folder, symbol)
    move = frame["Close"].log().diff().abs()[1:]
    assert np.corrcoef(move, frame["Volume"].log()[1:])[0, 1] == pytest.approx(0.4, abs=0.1)


@pytest.mark.parametrize("symbol", BANKS)
def test_dividends_fall_due_each_quarter_and_move_the_adjusted_close_only(
    price_folder: Path, symbol: str
) -> None:
    frame = history(price_folder, symbol)
    paid = frame.filter(pl.col("Dividends") > 0)
    assert paid.group_by(pl.col("Date").dt.truncate("1q")).len()["len"].max() == 1
    assert paid.height >= 76
    raw = frame["Close"] / frame["Close"].shift(1) - 1
    adjusted = frame["Adj Close"] / frame["Adj Close"].shift(1) - 1
    gap = (adjusted - raw).abs()
    assert gap.filter(frame["Dividends"] == 0).max() < 2e-6
    assert gap.filter(frame["Dividends"] > 0).min() > 0.003


def test_the_reverse_split_of_c_leaves_no_jump(price_folder: Path) -> None:
    frame = history(price_folder, "C")
    splits = frame.filter(pl.col("Stock Splits") != 0)
    assert splits.select("Date", "Stock Splits").rows() == [(date(2011, 5, 9), 0.1)]
    moves = log_returns(price_folder, "C").filter(pl.col("Date") == date(2011, 5, 9))["move"]
    assert abs(moves.item()) < 0.2


def test_adjusted_closes_multiply_the_past_by_the_dividend_factor() -> None:
    adjusted = adjusted_closes(np.array([100.0, 98.0, 50.0]), np.array([0.0, 2.0, 49.0]))
    np.testing.assert_allclose(adjusted, [100 * 0.98 * 0.5, 98 * 0.5, 50.0])


def test_write_prices_is_deterministic_in_its_seed(tmp_path: Path, price_folder: Path) -> None:
    again = write_prices(tmp_path / "again", SEED)
    other = write_prices(tmp_path / "other", SEED + 1)
    assert [path.stem for path in again] == sorted(BANKS)
    for path, changed in zip(again, other, strict=True):
        assert path.read_bytes() == (price_folder / path.name).read_bytes()
        assert path.read_bytes() != changed.read_bytes()
