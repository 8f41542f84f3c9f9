"""Recorded Yahoo charts replayed through yfinance, and answers that must not become data."""

import copy
import csv
import io
import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from financial_pipeline.sources.http_client import HttpClient, ProviderFailure
from financial_pipeline.sources.yahoo_session import YahooSession
from financial_pipeline.sources.yfinance_prices import check_shape, daily_history, minute_bars
from financial_pipeline_tests.raw.upstream import Upstream, page, recorded_chart

NVDA = "historical-via-chart-NVDA-split-2021-02-01-to-2022-01-31.csv.json"
MSFT = "historical-via-chart-MSFT-dividends-2021-02-01-to-2022-01-31.csv.json"
AAPL = "chart-AAPL-2020-01-01-to-2020-01-03.json"
MINUTES = "chart-AAPL-2025-02-01-to-2025-02-02-includePrePost-false-interval-1m.json"
YEAR = (date(2021, 2, 1), date(2022, 1, 31))
HTML = (200, {"content-type": "text/html"}, b"<!DOCTYPE html><html>Sign in</html>")


@pytest.fixture
def session(upstream: Upstream, http: HttpClient) -> YahooSession:
    return YahooSession(http, upstream.url)


@pytest.fixture
def serve(upstream: Upstream, shared_data: Path) -> Callable[[str, str], dict[str, Any]]:
    def serve_chart(symbol: str, name: str) -> dict[str, Any]:
        upstream.charts[symbol] = recorded_chart(shared_data / "http_yahoo" / name)
        return upstream.charts[symbol]

    return serve_chart


Serve = Callable[[str, str], dict[str, Any]]


def table(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode())))


def test_a_split_lands_in_its_own_column(session: YahooSession, serve: Serve) -> None:
    serve("NVDA", NVDA)
    rows = table(daily_history("NVDA", *YEAR, session))
    splits = {row["Date"]: float(row["Stock Splits"]) for row in rows if row["Stock Splits"] != "0"}
    assert (len(rows), splits) == (252, {"2021-07-20": 4.0})
    assert {row["Dividends"] for row in rows} == {"0"}
    # Closes are split-adjusted already, so the day of a 4-for-1 split shows no jump.
    closes = {row["Date"]: float(row["Close"]) for row in rows}
    assert abs(closes["2021-07-20"] / closes["2021-07-19"] - 1) < 0.05


def test_dividends_land_in_their_own_column(session: YahooSession, serve: Serve) -> None:
    serve("MSFT", MSFT)
    rows = table(daily_history("MSFT", *YEAR, session))
    paid = {row["Date"]: float(row["Dividends"]) for row in rows if row["Dividends"] != "0"}
    assert paid == {
        "2021-02-17": 0.56,
        "2021-05-19": 0.56,
        "2021-08-18": 0.56,
        "2021-11-17": 0.62,
    }
    assert all(float(row["Adj Close"]) < float(row["Close"]) for row in rows)
    assert {row["Stock Splits"] for row in rows} == {"0"}


def test_raw_and_adjusted_prices_of_the_recorded_day_stay_apart(
    session: YahooSession, serve: Serve
) -> None:
    serve("AAPL", AAPL)
    (row,) = table(daily_history("AAPL", date(2020, 1, 1), date(2020, 1, 3), session))
    assert (row["Date"], float(row["Close"])) == ("2020-01-02", pytest.approx(75.0875, abs=1e-4))
    assert float(row["Adj Close"]) < 73
    assert row["Volume"] == "135480400"


def test_one_call_a_range_and_none_while_the_answer_is_fresh(
    session: YahooSession, serve: Serve, upstream: Upstream
) -> None:
    serve("MSFT", MSFT)
    first = daily_history("MSFT", *YEAR, session)
    assert len([target for target in upstream.asked if "period1" in target]) == 1
    upstream.asked.clear()
    assert daily_history("MSFT", *YEAR, session) == first
    assert upstream.asked == []


def _without_adjusted(chart: dict[str, Any]) -> None:
    del chart["indicators"]["adjclose"]


def _renamed(chart: dict[str, Any]) -> None:
    chart["indicators"]["quote"][0]["last"] = chart["indicators"]["quote"][0].pop("close")


def _no_prices(chart: dict[str, Any]) -> None:
    for name in ("open", "high", "low", "close"):
        chart["indicators"]["quote"][0][name][7:11] = [None] * 4


def _another(name: str, value: str) -> Callable[[dict[str, Any]], None]:
    return lambda chart: chart["meta"].update({name: value})


@pytest.mark.parametrize(
    ("change", "reason", "text"),
    [
        (_without_adjusted, "changed_layout", "close, high, low"),
        (_renamed, "changed_layout", "last"),
        (_no_prices, "volume_without_prices", "4 rows .* 2021-02-10"),
        (_another("symbol", "MSFT.MX"), "other_security", "symbol MSFT.MX"),
        (_another("currency", "MXN"), "other_security", "currency MXN"),
        (_another("exchangeName", "GER"), "other_security", "exchangeName GER"),
        (_another("exchangeTimezoneName", "Europe/Berlin"), "other_security", "Europe/Berlin"),
    ],
)
def test_a_chart_of_another_form_is_a_failure(
    session: YahooSession,
    serve: Serve,
    upstream: Upstream,
    change: Callable[[dict[str, Any]], None],
    reason: str,
    text: str,
) -> None:
    upstream.charts["MSFT"] = copy.deepcopy(serve("MSFT", MSFT))
    change(upstream.charts["MSFT"])
    with pytest.raises(ProviderFailure, match=f"MSFT.*{text}") as failure:
        daily_history("MSFT", *YEAR, session)
    assert failure.value.reason == reason


REFUSALS = {
    "a web page with status 200": (HTML, "html_page"),
    "an unknown symbol": ((404, {}, b'{"chart":{"error":{"description":"no"}}}'), "refused"),
    "a broken refusal": ((422, {}, b"no"), "refused"),
    "an error in a chart": (page({"chart": {"error": {"description": "no"}}}), "refused"),
    "no chart": (page([]), "changed_layout"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_an_answer_that_is_no_chart_is_a_failure_and_is_not_kept(
    session: YahooSession, serve: Serve, upstream: Upstream, tmp_path: Path, case: str
) -> None:
    serve("MSFT", MSFT)
    reply, reason = REFUSALS[case]
    upstream.script += [reply] * 4
    with pytest.raises(ProviderFailure, match="MSFT") as failure:
        daily_history("MSFT", *YEAR, session)
    assert failure.value.reason == reason
    assert list((tmp_path / "http").glob("*.json")) == []


def test_a_recorded_chart_without_a_single_price_is_an_empty_answer(
    session: YahooSession, serve: Serve
) -> None:
    serve("AAPL", MINUTES)
    with pytest.raises(ProviderFailure, match="without a single price") as failure:
        minute_bars("AAPL", date(2025, 2, 1), session)
    assert failure.value.reason == "empty_answer"


def test_throttling_is_waited_for_as_long_as_it_asks(
    session: YahooSession, serve: Serve, upstream: Upstream, waits: list[float]
) -> None:
    serve("MSFT", MSFT)
    throttled = (429, {"retry-after": "7"}, b"Too Many Requests")
    upstream.script += [throttled, (429, {}, b"Edge: Too Many Requests")]
    assert len(table(daily_history("MSFT", *YEAR, session))) == 252
    assert waits == [7.0, 4.0]


def test_throttling_without_end_is_a_failure(
    session: YahooSession, serve: Serve, upstream: Upstream
) -> None:
    serve("MSFT", MSFT)
    upstream.script += [(429, {"retry-after": "3600"}, b"")]
    with pytest.raises(ProviderFailure, match="asks to wait 3600 s") as failure:
        daily_history("MSFT", *YEAR, session)
    assert failure.value.reason == "throttled"


def test_a_table_with_two_header_rows_is_a_changed_layout() -> None:
    columns = pd.MultiIndex.from_product([["Close", "Open"], ["JPM"]])
    frame = pd.DataFrame([[1.0, 2.0]], pd.DatetimeIndex(["2026-01-02"], tz="UTC"), columns)
    with pytest.raises(ProviderFailure, match="changed_layout"):
        check_shape("JPM", frame, ("Close",))
    plain = pd.DataFrame({"Close": [1.0]}, pd.DatetimeIndex(["2026-01-02"]))
    with pytest.raises(ProviderFailure, match="time zone"):
        check_shape("JPM", plain, ("Close",))
    with pytest.raises(ProviderFailure, match="empty table"):
        check_shape("JPM", pd.DataFrame(), ("Close",))


def test_missing_open_and_close_cost_a_value_and_a_session_and_not_the_history(
    session: YahooSession, serve: Serve, upstream: Upstream
) -> None:
    upstream.charts["NVDA"] = copy.deepcopy(serve("NVDA", NVDA))
    quote = upstream.charts["NVDA"]["indicators"]["quote"][0]
    quote["open"][7], quote["close"][9] = None, None
    rows = table(daily_history("NVDA", *YEAR, session))
    assert len(rows) == 251
    assert [row["Open"] for row in rows].count("") == 1


def test_a_refused_crumb_is_no_silence(session: YahooSession, upstream: Upstream) -> None:
    error = {"code": "Unauthorized", "description": "Invalid Crumb"}
    body = json.dumps({"chart": {"result": None, "error": error}}).encode()
    upstream.script = [(401, {"content-type": "application/json"}, body)] * 6
    with pytest.raises(ProviderFailure, match="Invalid Crumb") as failure:
        daily_history("MSFT", *YEAR, session)
    assert failure.value.reason == "refused"
