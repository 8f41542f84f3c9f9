"""Real price files of JPM, BAC, C, WFC and GS end in the figures of the methodology."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from financial_pipeline.paths import Paths
from financial_pipeline.raw import archive
from financial_pipeline.settings import Settings
from financial_pipeline.sources import bank_prices
from financial_pipeline.sources.landing import detect_folder
from financial_pipeline.staging import row_accounting
from financial_pipeline.staging.prices import stage_prices

# Sample standard deviation of simple returns times the root of 252, 2004-2018 (methodology 3.5).
VOLATILITY = {"JPM": 0.375, "BAC": 0.492, "C": 0.516, "WFC": 0.406, "GS": 0.353}


def stage(
    data_root: Path, *folders: Path, first: date, last: date
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Staged rows from `first` to `last`, and the accounting, of some landing folders."""
    paths = Paths(data_root)
    landed = [file for folder in folders for file in detect_folder(folder)]
    files, _ = archive.archive(paths, landed)
    stage_prices(paths, files, Settings(), first, last)
    accounting = row_accounting.read_accounting(paths, {file.sha256 for file in files})
    return pl.read_parquet(paths.staging("bank_prices") / "*.parquet"), accounting


def counts(accounting: pl.DataFrame, file_name: str) -> dict[str, int]:
    part = accounting.filter((pl.col("file_name") == file_name) & (pl.col("physical_lines") > 0))
    return dict(part.select("reason", "physical_lines").iter_rows())


@pytest.fixture(scope="module")
def classic(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    folder = shared_data / "prices" / "yahoo_classic_2004_2018"
    root = tmp_path_factory.mktemp("classic")
    frame, accounting = stage(root, folder, first=date(2004, 1, 2), last=date(2018, 12, 31))
    assert all(not row["unexplained"] for row in row_accounting.by_file(accounting))
    return frame


@pytest.mark.parametrize(("symbol", "volatility"), VOLATILITY.items())
def test_real_volatility_equals_that_of_the_methodology(
    classic: pl.DataFrame, symbol: str, volatility: float
) -> None:
    bank = classic.filter(pl.col("symbol") == symbol).sort("session_date")
    returns = bank["adjusted_close"].pct_change().drop_nulls()
    assert (bank.height, returns.len()) == (3775, 3774)
    assert returns.std(ddof=1) * 252**0.5 == pytest.approx(volatility, abs=1e-3)


def test_real_range_of_2004_to_2018_is_complete(classic: pl.DataFrame) -> None:
    known = classic.select("open", "high", "low", "close", "adjusted_close", "volume")
    assert known.null_count().sum_horizontal().item() == 0
    assert classic.group_by("session_date").len()["len"].unique().to_list() == [5]


def test_real_classic_files_to_2020_are_accounted_for(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "prices" / "yahoo_classic_to_2020"
    last_month = {"first": date(2020, 12, 1), "last": date(2020, 12, 31)}
    frame, accounting = stage(tmp_path, folder, **last_month)
    assert counts(accounting, "JPM.csv") == {
        "staged": 5271,
        "before_first_session": 10275 - 5271,
        "header": 1,
    }
    assert all(not row["unexplained"] for row in row_accounting.by_file(accounting))
    assert frame["session_date"].max() == date(2020, 12, 11)
    assert frame.height == 5 * 9


def test_real_zero_opens_are_null_and_their_rows_stay(shared_data: Path, tmp_path: Path) -> None:
    path = shared_data / "prices" / "yahoo_classic_to_2020" / "JPM.csv"
    paths, old = Paths(tmp_path), Settings(first_session=date(1980, 3, 17))
    files, _ = archive.archive(paths, [bank_prices.describe(path)])
    summary = stage_prices(paths, files, old, date(1980, 3, 17), date(1984, 12, 31))
    frame = pl.read_parquet(paths.staging("bank_prices") / "*.parquet")
    assert summary.quarantined == 0
    assert frame["open"].null_count() == 959
    assert frame["close"].null_count() == 0


def test_real_files_of_two_vintages_show_no_false_return(shared_data: Path, tmp_path: Path) -> None:
    """JPM: raw prices to 2020-12-11, then a later download of adjusted prices only."""
    (tmp_path / "raw").mkdir()
    source = shared_data / "prices" / "yahoo_classic_to_2020" / "JPM.csv"
    (tmp_path / "raw" / "JPM.csv").write_bytes(source.read_bytes())
    download = shared_data / "prices" / "yfinance_multiheader_to_2025"
    window = {"first": date(2020, 12, 1), "last": date(2020, 12, 31)}
    frame, _ = stage(tmp_path / "data", tmp_path / "raw", download, **window)
    returns = frame.sort("session_date").with_columns(r=pl.col("adjusted_close").pct_change())
    after = returns.filter(pl.col("session_date") == date(2020, 12, 14))
    lines = (download / "JPM.csv").read_text().splitlines()
    same = [float(row.split(",")[1]) for row in lines if row[:10] in ("2020-12-11", "2020-12-14")]
    assert after["r"].item() == pytest.approx(same[1] / same[0] - 1, abs=1e-5)
    assert after["close"].to_list() == [None]
    assert returns.filter(pl.col("session_date") == date(2020, 12, 11))["close"].item() > 100
