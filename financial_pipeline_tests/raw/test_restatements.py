"""The ledger of restated prices beyond the last ten stored sessions."""

from datetime import date
from pathlib import Path
from typing import Final

import polars as pl
import pytest

from financial_pipeline.paths import Paths
from financial_pipeline.raw import archive, restatements
from financial_pipeline.schemas.raw import RawFile
from financial_pipeline.sources import bank_prices
from financial_pipeline.sources.market_calendar import sessions

DAYS: Final = sessions(date(2018, 1, 2), date(2018, 2, 28))
CORRECTED: Final = date(2018, 1, 10)


def _file(folder: Path, name: str, days: list[date], factor: float, close: float) -> Path:
    """One bank at 50 dollars, with the adjusted closes scaled, and another close on one day."""
    rows = ["Date,Open,High,Low,Close,Adj Close,Volume"]
    for place, day in enumerate(days):
        price = close if day == CORRECTED else 50.0
        rows.append(f"{day},{50 + place / 100},60,40,{price},{price * factor:.2f},{900 + place}")
    path = folder / name
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("factor", [1.0, 0.987])
def test_a_corrected_close_of_an_old_session_is_in_the_ledger(
    tmp_path: Path, factor: float
) -> None:
    paths, days = Paths(tmp_path / "data"), list(DAYS)
    old = _file(tmp_path, "WFC.csv", days, 1.0, 58.0)
    new = _file(tmp_path, "WFC_fixed.csv", days[:20], factor, 56.5)
    for path in (old, new):
        archive.archive(paths, [bank_prices.describe(path)])
    restatements.record(paths)
    columns = ("session_date", "field", "old_value", "new_value", "reason")
    assert restatements.ledger(paths).select(columns).rows() == [
        (CORRECTED, "adjusted_close", 58.0, round(56.5 * factor, 2), "correction"),
        (CORRECTED, "close", 58.0, 56.5, "correction"),
    ]


def test_of_whole_histories_only_the_newest_stored_one_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths, read, prices_of = Paths(tmp_path / "data"), list[str](), restatements.prices_of

    def noting(file: RawFile, symbol: str) -> pl.DataFrame:
        read.append(file.landed.path.name)
        return prices_of(file, symbol)

    monkeypatch.setattr(restatements, "prices_of", noting)
    for count in (30, 31, 32):
        path = _file(tmp_path, f"WFC_{count}.csv", list(DAYS)[:count], 1.0, 50.0)
        archive.archive(paths, [bank_prices.describe(path)])
        read.clear()
        restatements.record(paths)
    assert set(read) == {"WFC_31.csv", "WFC_32.csv"}


def test_a_dividend_that_moves_all_old_sessions_by_one_factor_is_no_correction() -> None:
    old = [4.96, 5.02, 5.11, 5.23]
    frames = [
        pl.DataFrame({"session_date": list(DAYS)[:4], "adjusted_close": values}).with_columns(
            pl.lit(None, pl.Float64).alias(name)
            for name in restatements.FIELDS
            if name != "adjusted_close"
        )
        for values in (old, [round(value * 0.99, 2) for value in old])
    ]
    assert restatements.corrections(*frames) == []


def test_corrections_of_some_sessions_in_a_row_are_all_found() -> None:
    blank = [pl.lit(None, pl.Float64).alias(name) for name in restatements.FIELDS[:-1]]
    frames = [
        pl.DataFrame({"session_date": list(DAYS)[:30], "volume": volumes}).with_columns(blank)
        for volumes in ([900] * 30, [1800 if n in (5, 6, 20) else 900 for n in range(30)])
    ]
    found = restatements.corrections(*frames)
    assert [DAYS.index(row["session_date"]) for row in found] == [5, 6, 20]


def test_a_refused_file_restates_nothing(tmp_path: Path) -> None:
    paths = Paths(tmp_path / "data")
    for name, close in (("WFC.csv", 50.0), ("WFC_2.csv", 45.0)):
        path = _file(tmp_path, name, list(DAYS), 1.0, close)
        archive.archive(paths, [bank_prices.describe(path)])
    restatements.record(paths)
    assert restatements.ledger(paths).height == 2
    refused = archive.read_raw_files(paths)[1].sha256
    archive.refuse(paths, refused, "another unit")
    assert restatements.ledger(paths).is_empty()
    archive.refuse(paths, refused, None)
    assert restatements.ledger(paths).height == 2
