"""Recorded FRED answers replayed through fredapi, and answers that must not become data."""

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from financial_pipeline.paths import Paths
from financial_pipeline.raw import live_fetching
from financial_pipeline.settings import Settings
from financial_pipeline.sources import fred_api
from financial_pipeline.sources.fred_api import AlfredClient, MissingKey, spans
from financial_pipeline.sources.http_client import HttpClient, ProviderFailure
from financial_pipeline_tests.raw.upstream import KEY, Upstream, cassette

# What was recorded of GDP: values over all vintages, missing ones, vintage dates, observations.
GDP_VALUES, GDP_MISSING, GDP_VINTAGES, GDP_FIRST_RELEASES = 3199, 245, 393, 132


@pytest.fixture
def client(upstream: Upstream, http: HttpClient) -> AlfredClient:
    return AlfredClient(SecretStr(KEY), http, f"{upstream.url}/fred")


@pytest.fixture
def gdp(upstream: Upstream, shared_data: Path) -> Upstream:
    folder = shared_data / "http_fred"
    upstream.series["GDP"] = cassette(folder / "test_get_series_all_releases_pandas.yaml")[0][
        "observations"
    ]
    upstream.vintages["GDP"] = cassette(folder / "test_get_series_vintagedates.yaml")[0][
        "vintage_dates"
    ]
    return upstream


def rows(content: bytes) -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads(content)["observations"]
    return found


def test_all_vintages_of_gdp_load_to_the_recorded_counts(
    client: AlfredClient, gdp: Upstream
) -> None:
    found = rows(client.all_vintages("GDP"))
    assert len(client.vintage_dates("GDP")) == GDP_VINTAGES
    assert (len(found), sum(row["value"] == "." for row in found)) == (GDP_VALUES, GDP_MISSING)
    assert sorted(map(str, found)) == sorted(map(str, gdp.series["GDP"]))


def test_first_releases_of_gdp_equal_the_recorded_ones(
    client: AlfredClient, gdp: Upstream, shared_data: Path
) -> None:
    recorded = cassette(shared_data / "http_fred" / "test_get_series_initial_release_pandas.yaml")
    expected = {row["date"]: row["value"] for row in recorded[0]["observations"]}
    found: dict[str, str] = {}
    for row in rows(client.all_vintages("GDP")):
        if row["value"] != ".":
            found.setdefault(row["date"], row["value"])
    assert len(expected) == GDP_FIRST_RELEASES
    assert {day: value for day, value in found.items() if day in expected} == {
        day: value for day, value in expected.items() if value != "."
    }


def test_vintages_in_many_requests_equal_those_in_one(
    client: AlfredClient, gdp: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = client.all_vintages("GDP")
    monkeypatch.setattr(fred_api, "VINTAGES_PER_REQUEST", 50)
    gdp.asked.clear()
    assert client.all_vintages("GDP") == whole
    assert len([target for target in gdp.asked if "observations" in target]) == 8


def daily_series(days: int) -> list[dict[str, str]]:
    """A series with one new observation, and so one vintage, a day."""
    dates = [(date(2000, 1, 1) + timedelta(days=i)).isoformat() for i in range(days)]
    return [
        {"realtime_start": day, "realtime_end": "9999-12-31", "date": day, "value": str(i)}
        for i, day in enumerate(dates)
    ]


def test_a_series_above_the_cap_of_vintages_is_paged(
    client: AlfredClient, upstream: Upstream
) -> None:
    upstream.series["DTB3"] = daily_series(4500)
    assert rows(client.all_vintages("DTB3")) == upstream.series["DTB3"]
    assert len(upstream.asked) == 1 + 3
    assert [first for first, _ in spans([])] == ["1776-07-04"]


def test_a_refused_key_is_one_sentence_that_says_where_to_get_one(
    upstream: Upstream, http: HttpClient
) -> None:
    client = AlfredClient(SecretStr("planted-secret"), http, f"{upstream.url}/fred")
    with pytest.raises(MissingKey, match=r"https://fredaccount\.stlouisfed\.org/.*simulated") as no:
        client.vintage_dates("GDP")
    assert "planted-secret" not in f"{no.value!r}{no.value.__cause__!r}"


def answers(**attributes: str) -> bytes:
    head = {"realtime_start": "1776-07-04", "realtime_end": "9999-12-31", "units": "lin"}
    pairs = " ".join(f'{name}="{value}"' for name, value in (head | attributes).items())
    return f"<observations {pairs} count='0'></observations>".encode()


NO_DATA: dict[str, tuple[Any, str]] = {
    "another range": ((200, {}, answers(realtime_start="2026-01-01")), "wrong_period"),
    "another unit": ((200, {}, answers(units="pc1")), "wrong_period"),
    "no rows": ((200, {}, answers()), "empty_answer"),
    "a web page": ((200, {}, b"<!DOCTYPE html><html>challenge</html>"), "html_page"),
    "no XML": ((200, {}, b'{"observations": []}'), "changed_layout"),
    "another error": ((400, {}, b'<error code="400" message="Bad Request."/>'), "refused"),
}


@pytest.mark.parametrize("case", NO_DATA)
def test_an_answer_that_is_no_data_is_a_failure_with_a_reason(
    client: AlfredClient, upstream: Upstream, case: str
) -> None:
    reply, reason = NO_DATA[case]
    upstream.series["GDP"] = daily_series(1)
    client.vintage_dates("GDP")
    upstream.script.append(reply)
    with pytest.raises(ProviderFailure) as failure:
        client.all_vintages("GDP")
    assert failure.value.reason == reason


def test_a_dead_series_is_named_and_the_others_are_fetched(
    upstream: Upstream, tmp_path: Path
) -> None:
    row = {"realtime_start": "2019-01-04", "realtime_end": "9999-12-31"}
    upstream.series["UNRATE"] = [row | {"date": "2018-12-01", "value": "3.9"}]
    settings = Settings(
        source="live",
        fred_series=("DEAD", "UNRATE"),
        fred_api_key=SecretStr(KEY),
        fred_url=f"{upstream.url}/fred",
        request_pause_seconds=0,
    )
    dead = (
        "DEAD: not fetched: FRED: status 400, Bad Request.  The series does not exist. (refused)."
    )
    fetched = "UNRATE: 1 values from FRED, 0 of them missing"
    assert live_fetching.fetch_new_macro(settings, Paths(tmp_path)) == [fetched, dead]
    upstream.series.clear()
    with pytest.raises(ProviderFailure, match="The series does not exist"):
        live_fetching.fetch_new_macro(settings, Paths(tmp_path / "other"))
