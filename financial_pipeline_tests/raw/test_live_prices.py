"""The provider chain, the overlap, and the restatement ledger, with yfinance on a local Yahoo."""

import shutil
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from financial_pipeline.errors import PipelineError
from financial_pipeline.paths import Paths
from financial_pipeline.raw import archive, ingest, restatements
from financial_pipeline.raw.live_prices import fetch_prices, unserved_symbols
from financial_pipeline.settings import Settings
from financial_pipeline.sources import bank_prices
from financial_pipeline.sources.http_client import HttpClient
from financial_pipeline.staging.prices import stage_prices
from financial_pipeline_tests.raw.half_year import BANKS, FIRST_SESSION, REVERSE_SPLIT, fill, second
from financial_pipeline_tests.raw.upstream import Upstream

HTML = (200, {}, b"<!DOCTYPE html><html>challenge</html>")
# Ten stored sessions end here; the dividend goes ex on the next one.
STORED_UNTIL = date(2011, 3, 31)
EX_DATE = date(2011, 4, 1)
OVERLAP_START = date(2011, 3, 18)


class LivePrices:
    """One data root fed from a local Yahoo, up to days that tests choose."""

    def __init__(self, root: Path, upstream: Upstream, landing: Path | None = None) -> None:
        self.paths, self.upstream, self.root = Paths(root), upstream, root
        self.settings = Settings(
            data_root=root,
            source="live",
            landing=landing,
            yahoo_url=upstream.url,
            first_session=FIRST_SESSION,
            symbols=("C",),
        )

    def fetch(self, day: date, **changes: Any) -> list[str]:
        http = HttpClient(self.root / "http", 100, 0, sleep=lambda _: None)
        night = datetime(day.year, day.month, day.day, 23, 59, tzinfo=UTC)
        settings = self.settings.model_copy(update=changes)
        return fetch_prices(settings, self.paths, http, night)

    def archive(self) -> None:
        ingest.archive_dataset(self.settings, self.paths, "bank_prices")

    def staged(self) -> pl.DataFrame:
        files = archive.accepted_files(self.paths, "bank_prices")
        stage_prices(self.paths, files, self.settings, FIRST_SESSION, date(2011, 7, 29))
        return pl.read_parquet(self.paths.staging("bank_prices") / "*.parquet")


@pytest.fixture
def live(
    tmp_path: Path, upstream: Upstream, shared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> LivePrices:
    monkeypatch.setenv("FINANCIAL_PIPELINE_DATA_ROOT", str(tmp_path))
    fill(upstream, shared_data)
    drop = tmp_path / "drop"
    drop.mkdir()
    shutil.copy(shared_data / "prices" / "yahoo_classic_2004_2018" / "C.csv", drop)
    return LivePrices(tmp_path / "data", upstream, drop)


def pay_dividend(chart: dict[str, Any], day: date, amount: float) -> float:
    """Plant a dividend: all adjusted closes before it fall by its factor, which is returned."""
    place = chart["timestamp"].index(second(day))
    factor = 1 - amount / float(chart["indicators"]["quote"][0]["close"][place - 1])
    values = chart["indicators"]["adjclose"][0]["adjclose"]
    values[:place] = [value * factor for value in values[:place]]
    chart["events"]["dividends"] = {str(second(day)): {"amount": amount, "date": second(day)}}
    return factor


def test_the_reverse_split_of_c_shows_no_jump(live: LivePrices) -> None:
    live.fetch(date(2011, 7, 29))
    live.archive()
    rows = live.staged().sort("session_date")
    returns = rows["adjusted_close"] / rows["adjusted_close"].shift(1) - 1
    assert returns.drop_nulls().abs().max() < 0.07  # type: ignore[operator]
    splits = rows.filter(pl.col("split_ratio") != 1).select("session_date", "split_ratio").rows()
    assert splits == [(REVERSE_SPLIT, pytest.approx(0.1))]
    assert set(rows["source"]) == {"yfinance"}


def test_a_later_fetch_asks_for_ten_stored_sessions_and_the_new_ones(live: LivePrices) -> None:
    assert live.fetch(STORED_UNTIL) == ["C: 62 sessions from yfinance"]
    live.archive()
    live.upstream.asked.clear()
    assert live.fetch(EX_DATE) == ["C: 11 sessions from yfinance"]
    (asked,) = [target for target in live.upstream.asked if "period1" in target]
    midnight = int(datetime(2011, 3, 18, 4, tzinfo=UTC).timestamp())
    assert f"period1={midnight}" in asked
    live.archive()
    assert restatements.ledger(live.paths).is_empty()
    assert live.staged().height == 63


def test_a_planted_dividend_gives_exactly_the_expected_ledger_rows(live: LivePrices) -> None:
    live.fetch(STORED_UNTIL)
    live.archive()
    before = live.staged()
    factor = pay_dividend(live.upstream.charts["C"], EX_DATE, 0.5)
    assert live.fetch(EX_DATE) == [
        "C: 63 sessions from yfinance, the past was restated (dividend) and is fetched again"
    ]
    live.archive()
    live.archive()
    ledger = restatements.ledger(live.paths)
    stored = before.filter(pl.col("session_date") >= OVERLAP_START)
    assert ledger["session_date"].to_list() == stored["session_date"].to_list()
    assert ledger.height == restatements.OVERLAP_SESSIONS
    assert ledger["old_value"].to_list() == stored["adjusted_close"].to_list()
    ratios = (ledger["new_value"] / ledger["old_value"]).to_list()
    assert ratios == pytest.approx([factor] * 10, rel=1e-6)
    labels = ledger.select("symbol", "field", "reason", "event_date").unique().rows()
    assert labels == [("C", "adjusted_close", "dividend", EX_DATE)]


def test_after_a_restatement_all_sessions_are_on_one_scale_and_the_old_file_is_there(
    live: LivePrices,
) -> None:
    live.fetch(STORED_UNTIL)
    live.archive()
    before = live.staged()
    factor = pay_dividend(live.upstream.charts["C"], EX_DATE, 0.5)
    live.fetch(EX_DATE)
    live.archive()
    after = live.staged().filter(pl.col("session_date") <= STORED_UNTIL)
    ratios = (after["adjusted_close"] / before["adjusted_close"]).to_list()
    assert ratios == pytest.approx([factor] * 62, rel=1e-6)
    assert after["close"].to_list() == before["close"].to_list()
    (old,) = set(restatements.ledger(live.paths)["old_file_sha256"])
    files = {file.sha256: file for file in archive.read_raw_files(live.paths)}
    kept = restatements.prices_of(files[old], "C")
    assert kept["adjusted_close"].to_list() == before["adjusted_close"].to_list()


def test_a_split_rewrites_prices_and_volumes(live: LivePrices) -> None:
    live.fetch(STORED_UNTIL)
    live.archive()
    chart = live.upstream.charts["C"]
    quote = chart["indicators"]["quote"][0]
    for values in (quote["open"], quote["high"], quote["low"], quote["close"]):
        values[:] = [value / 2 for value in values]
    adjusted = chart["indicators"]["adjclose"][0]["adjclose"]
    adjusted[:] = [value / 2 for value in adjusted]
    quote["volume"][:] = [value * 2 for value in quote["volume"]]
    split = {"date": second(EX_DATE), "numerator": 2, "denominator": 1}
    chart["events"]["splits"] = {str(second(EX_DATE)): split}
    live.fetch(EX_DATE)
    live.archive()
    ledger = restatements.ledger(live.paths)
    assert ledger.height == 10 * len(restatements.FIELDS)
    assert set(ledger.select("reason", "event_date").rows()) == {("split", EX_DATE)}


def test_a_change_that_no_action_calls_for_is_a_correction(live: LivePrices) -> None:
    live.fetch(STORED_UNTIL)
    live.archive()
    quote = live.upstream.charts["C"]["indicators"]["quote"][0]
    quote["volume"][60] += 100_000
    assert live.fetch(EX_DATE) == ["C: 11 sessions from yfinance"]
    live.archive()
    (row,) = restatements.ledger(live.paths).to_dicts()
    assert (row["field"], row["reason"], row["event_date"]) == ("volume", "correction", None)
    assert row["new_value"] - row["old_value"] == 100_000


def test_the_second_provider_serves_where_the_first_one_throttles(live: LivePrices) -> None:
    live.upstream.script += [(429, {"retry-after": "999"}, b"")] * 9
    (sentence,) = live.fetch(STORED_UNTIL)
    assert sentence == "C: C.csv from the CSV drop (throttled at Yahoo Finance)"
    live.archive()
    assert set(live.staged()["source"]) == {"csv"}


def test_the_chain_is_never_longer_than_configured(live: LivePrices) -> None:
    live.upstream.script += [HTML] * 9
    with pytest.raises(PipelineError, match=r"No provider served prices of C.*html_page") as said:
        live.fetch(STORED_UNTIL, price_providers=("yfinance",))
    assert "CSV" not in str(said.value)
    live.upstream.asked.clear()
    live.fetch(STORED_UNTIL, price_providers=("csv",))
    assert live.upstream.asked == []
    with pytest.raises(PipelineError, match=r"html_page.*no_file"):
        live.fetch(STORED_UNTIL, landing=None)


def test_dropped_prices_count_only_where_the_chain_took_them(live: LivePrices) -> None:
    live.fetch(STORED_UNTIL)
    assert [f.path.name for f in ingest.landed_files(live.settings, live.paths)] == ["C.csv"]
    live.archive()
    assert set(live.staged()["source"]) == {"yfinance"}


def test_the_world_serves_every_bank(upstream: Upstream, live: LivePrices) -> None:
    assert tuple(upstream.charts) == BANKS


def test_a_symbol_that_nobody_serves_is_named_and_stops_no_other(live: LivePrices) -> None:
    said = live.fetch(STORED_UNTIL, symbols=("ZZZZ", "C"))
    assert said[0].startswith("C: ")
    assert "No provider served prices of ZZZZ" in said[1]
    assert unserved_symbols(live.paths) == said[1:]
    live.fetch(STORED_UNTIL, symbols=("C",))
    assert unserved_symbols(live.paths) == []


def test_a_file_without_a_common_session_leaves_a_ledger_row_at_its_seam(tmp_path: Path) -> None:
    """Citigroup was saved before and after one share for ten of 2011-05-09."""
    header = "Date,Open,High,Low,Close,Adj Close,Volume"
    old = f"{header}\n2011-05-05,4.5,4.5,4.4,4.48,4.0,9\n2011-05-06,4.5,4.6,4.5,4.52,4.0,9\n"
    new = f"{header}\n2011-05-09,44.9,45.1,43.8,44.16,39.2,9\n"
    paths = Paths(tmp_path / "data")
    for name, text in (("C_old.csv", old), ("C_new.csv", new)):
        (tmp_path / name).write_text(text)
        archive.archive(paths, [bank_prices.describe(tmp_path / name)])
    restatements.record(paths)
    columns = ("session_date", "field", "old_value", "new_value", "reason")
    assert restatements.ledger(paths).select(columns).rows() == [
        (date(2011, 5, 9), "close", 4.52, 44.16, "scale_unknown")
    ]


def test_a_split_without_actions_is_called_a_split() -> None:
    day = {"session_date": [date(2018, 1, 2), date(2018, 1, 3)]}
    blank = dict.fromkeys(("open", "high", "low", "volume", "dividend", "split_ratio"))
    kinds = dict.fromkeys(blank, pl.Float64)
    stored, new = (
        pl.DataFrame(day | {"close": closes, "adjusted_close": closes}).with_columns(
            **{name: pl.lit(None, kind) for name, kind in kinds.items()}
        )
        for closes in ([100.0, 102.0], [50.0, 51.0])
    )
    rows = restatements.compare(stored, new)
    assert {(row["field"], row["reason"], row["event_date"]) for row in rows} == {
        ("close", "split", None),
        ("adjusted_close", "split", None),
    }
