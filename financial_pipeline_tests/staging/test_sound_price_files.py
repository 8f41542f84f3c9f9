"""Price files as data vendors and data frames write them end in the figures that they state."""

import math
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from financial_pipeline.errors import PipelineError, RefusedFile
from financial_pipeline.sources.landing import detect
from financial_pipeline.sources.market_calendar import sessions
from financial_pipeline_tests.staging.test_made_price_files import DAYS, HEADER, bars, staged


def table(text: str) -> list[list[str]]:
    """The cells of the lines below the header."""
    return [line.split(",") for line in text.splitlines()[1:]]


def adjusted(order: str, share: float = 0.9137, decimals: int = 10) -> str:
    """Bars without raw prices: each has dividends taken out."""
    lines = [f"Date,{order}"]
    for day, *prices, _, volume in table(bars()):
        cells = dict(
            zip(("Open", "High", "Low", "Close"), (float(p) * share for p in prices), strict=True)
        )
        shown = {name: f"{price:.{decimals}f}" for name, price in cells.items()}
        lines.append(",".join([day, *((shown | {"Volume": volume})[n] for n in order.split(","))]))
    return "\n".join(lines)


@pytest.mark.parametrize("order", ["Close,High,Low,Open,Volume", "Open,High,Low,Close,Volume"])
def test_prices_that_no_share_trades_at_have_dividends_taken_out(
    tmp_path: Path, order: str
) -> None:
    rows, refused = staged(tmp_path, ("JPM.csv", adjusted(order)))
    assert (rows.height, refused, rows["close"].null_count()) == (60, "", 60)
    assert rows["adjusted_close"][0] == pytest.approx(91.37)


@pytest.mark.parametrize(("share", "decimals"), [(1.0, 2), (0.9137, 2), (2 / 3, 6), (0.5, 6)])
def test_prices_in_cents_or_in_parts_of_a_split_may_have_dividends(
    tmp_path: Path, share: float, decimals: int
) -> None:
    text = adjusted("Open,High,Low,Close,Volume", 1.0, 2)
    lines = [
        ",".join([day, *(f"{float(p) * share:.{decimals}f}" for p in prices), volume])
        for day, *prices, volume in table(text)
    ]
    (tmp_path / "JPM.csv").write_text("\n".join([text.splitlines()[0], *lines]))
    with pytest.raises(PipelineError, match="has prices without adjusted closes, so that"):
        detect(tmp_path / "JPM.csv")


def test_lines_of_other_symbols_are_left_out(tmp_path: Path) -> None:
    lines = [f"{HEADER},Symbol"]
    for number, line in enumerate(bars().splitlines()[1:]):
        lines += [f"{line},AAPL", f"{line[:-1]}{number},jpm", f"{line[:-1]}9{number},BAC"]
    rows, refused = staged(tmp_path, ("sp500_stocks.csv", "\n".join(lines)))
    assert (rows.height, refused, {*rows["symbol"]}) == (120, "", {"JPM", "BAC"})
    accounting = pl.read_parquet(tmp_path / "data" / "staging" / "row_accounting" / "*.parquet")
    counts = dict(accounting.select("reason", "physical_lines").iter_rows())
    assert (counts["other_symbol"], counts["staged"]) == (60, 120)


def test_table_without_a_configured_symbol_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sp500.csv"
    lines = [f"{line},{symbol}" for symbol in "ABDEF" for line in bars().splitlines()[1:3]]
    path.write_text("\n".join([f"{HEADER},Ticker", *lines, lines[0][:-1] + "G"]))
    with pytest.raises(PipelineError, match=r"of A, B, D, E, F, \.\.\. and of none of the config"):
        detect(path)


def vendor(split_place: int | None) -> str:
    """Alpha Vantage's table, newest first: prices as they traded, and a reverse split."""
    lines = []
    for place, (day, *prices, _, volume) in enumerate(table(bars())):
        scale = 0.1 if split_place is not None and place < split_place else 1.0
        shown = ",".join(f"{float(price) * scale:.4f}" for price in prices)
        close = float(prices[3]) * 0.9
        split = "0.1" if place == split_place else "1.0"
        lines.append(f"{day},{shown},{close:.6f},{int(float(volume) / scale)},0.0000,{split}")
    names = "open,high,low,close,adjusted_close,volume,dividend_amount,split_coefficient"
    return "\n".join([f"timestamp,{names}", *reversed(lines)])


@pytest.mark.parametrize("split_place", [None, 30])
def test_prices_as_they_traded_are_put_on_the_scale_of_today(
    tmp_path: Path, split_place: int | None
) -> None:
    rows, refused = staged(tmp_path, ("daily_adjusted_C.csv", vendor(split_place)))
    assert (rows.height, refused, rows["scale_break"].null_count()) == (60, "", 60)
    assert rows["close"][29] == pytest.approx(100 * (1 + 0.02 * math.sin(29)), abs=1e-3)
    assert {*rows["volume"]} == {1_000_000}


@pytest.mark.parametrize("form", ["%m/%d/%Y", "%d.%m.%Y", "%Y%m%d", "%d-%b-%Y"])
def test_days_of_a_sheet_are_sessions(tmp_path: Path, form: str) -> None:
    text = bars()
    for day in DAYS[:60]:
        text = text.replace(f"{day}", f"{day:{form}}")
    rows, refused = staged(tmp_path, ("JPM.csv", text))
    assert (rows["session_date"].to_list(), refused) == (DAYS[:60], "")


@pytest.mark.parametrize(("change", "is_refused"), [("", False), ("9", True)])
def test_weekends_that_are_filled_forward_lose_nothing(
    tmp_path: Path, change: str, is_refused: bool
) -> None:
    """Prices of their own on a weekend are no copies: the dates of the file are wrong."""
    lines, last = [HEADER], ""
    by_day = {line[:10]: line for line in bars().splitlines()[1:]}
    for number in range((DAYS[59] - DAYS[0]).days + 1):
        day = f"{DAYS[0] + timedelta(number)}"
        is_copy = day not in by_day
        last = by_day.get(day, day + last[10:])
        lines.append(last.replace(",", f",{change}", 5) if is_copy else last)
    text = ("JPM.csv", "\n".join(lines))
    if is_refused:
        with pytest.raises(RefusedFile, match="no_session 12"):
            staged(tmp_path, text)
    else:
        assert staged(tmp_path, text)[0].height == 60


def years(symbol: str, start: date, share: float) -> tuple[str, str]:
    """A file of 300 sessions with closes in cents."""
    days = [day for day in sessions(start, date(start.year + 2, 1, 1))][:300]
    lines = [
        f"{day},{p:.2f},{p + 1:.2f},{p - 1:.2f},{p:.2f},{p * share:.6f},{1_000_000 + n}"
        for n, day in enumerate(days)
        for p in [round(40 + math.sin(n), 2)]
    ]
    return f"{symbol}.csv", "\n".join([HEADER, *lines])


@pytest.mark.parametrize(
    ("symbol", "start", "share", "is_refused"),
    [
        ("JPM", date(2014, 1, 2), 1.0, True),
        ("C", date(2014, 1, 2), 1.0, True),
        ("JPM", date(2014, 1, 2), 0.999, False),
        # Citigroup paid nothing.
        ("C", date(2009, 3, 2), 1.0, False),
    ],
)
def test_adjusted_closes_that_are_closes_of_a_year_lack_its_dividends(
    tmp_path: Path, symbol: str, start: date, share: float, is_refused: bool
) -> None:
    if is_refused:
        with pytest.raises(RefusedFile, match=r"its closes on all 300 sessions, though it paid"):
            staged(tmp_path, years(symbol, start, share))
    else:
        assert staged(tmp_path, years(symbol, start, share))[1] == ""
