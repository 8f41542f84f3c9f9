"""The FRED API through `fredapi`: all vintages of a series, as one answer of the API.

fredapi's own `get_series_all_releases` leaves out the end of each real-time period, the range that
the answer is for, and everything above the API's limits; so only its requests are used here.
"""

import urllib.error
import urllib.request
import xml.etree.ElementTree as ET
from collections.abc import Collection, Sequence
from datetime import date, timedelta
from http.client import HTTPException
from typing import Any, Final
from urllib.parse import urlencode

from fredapi import Fred
from pydantic import SecretStr

from financial_pipeline.errors import PipelineError
from financial_pipeline.sources.fred_releases import FIRST_DAY, LAST_DAY, Row, api_document
from financial_pipeline.sources.http_client import OK, Answer, HttpClient, ProviderFailure, web_page

PROVIDER: Final = "FRED"
KEY_PAGE: Final = "https://fredaccount.stlouisfed.org/"
NO_KEY_NEEDED: Final = "the simulated world (--source simulated) needs none"
TIMEOUT_SECONDS: Final = 30
# The API refuses a request that spans more than 2,000 vintages; new ones may appear meanwhile.
VINTAGES_PER_REQUEST: Final = 1900


class MissingKey(PipelineError):
    """There is no FRED key, or FRED refuses it."""


def missing_key() -> MissingKey:
    """The sentence for a run without a key."""
    return MissingKey(
        "FRED needs an API key: get a free one at"
        f" {KEY_PAGE} and set FRED_API_KEY in the environment or in .env; {NO_KEY_NEEDED}."
    )


class AlfredClient(Fred):  # type: ignore[misc]
    """fredapi over HttpClient, so that its key appears in no cache and no message."""

    def __init__(self, key: SecretStr, http: HttpClient, base_url: str) -> None:
        super().__init__(api_key=key.get_secret_value())
        self.root_url = base_url
        self._http = http

    def _Fred__fetch_data(self, url: str) -> ET.Element:
        """Return the parsed answer for every method of fredapi; `url` has no key yet."""
        answer = self._http.request(PROVIDER, url, lambda: self._send(url), _validate)
        if answer.status != OK:
            self._refuse(answer)
        return ET.fromstring(answer.body)

    def _send(self, url: str) -> Answer:
        request = f"{url}&{urlencode({'api_key': self.api_key})}"
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:
                return _answer(response.status, response)
        except urllib.error.HTTPError as error:
            return _answer(error.code, error)
        except HTTPException as error:
            raise ConnectionError(type(error).__name__) from None

    def _refuse(self, answer: Answer) -> None:
        message = _message(answer).replace(self.api_key, "***")
        if "api_key" in message:
            raise MissingKey(
                f"FRED refuses the API key in FRED_API_KEY: look it up, or get a free one, at"
                f" {KEY_PAGE}; {NO_KEY_NEEDED}."
            )
        raise ProviderFailure(PROVIDER, "refused", f"status {answer.status}, {message}")

    def vintage_dates(self, series_id: str) -> list[date]:
        """Every day on which values of the series were released or revised, ascending."""
        return sorted(day.date() for day in self.get_series_vintage_dates(series_id))

    def all_vintages(self, series_id: str) -> bytes:
        """All vintages of a series in the form of one JSON answer of `series/observations`.

        One observation a line, periods inclusive as upstream writes them. Raises ProviderFailure if
        an answer is not for the requested range.
        """
        ranges = spans(self.vintage_dates(series_id))
        pages = [self._observations(series_id, *asked) for asked in ranges]
        cuts = {first for first, _ in ranges[1:]}
        rows = join_periods([row for page in pages for row in page], cuts)
        if not rows:
            raise ProviderFailure(PROVIDER, "empty_answer", f"{series_id} has no observations")
        return api_document(rows)

    def _observations(self, series_id: str, first: str, last: str) -> list[Row]:
        rows: list[Row] = []
        while True:
            asked = {"series_id": series_id, "realtime_start": first, "realtime_end": last}
            asked |= {"offset": str(len(rows))} if rows else {}
            root = self._Fred__fetch_data(f"{self.root_url}/series/observations?{urlencode(asked)}")
            _verify_range(root, series_id, first, last)
            rows += [dict(item.attrib) for item in root]
            if len(rows) >= int(root.get("count", "0")) or not len(root):
                return rows


def _answer(status: int, response: Any) -> Answer:
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Answer(status, headers, response.read())


def _message(answer: Answer) -> str:
    try:
        return str(ET.fromstring(answer.body).get("message"))
    except ET.ParseError:
        return "an answer that is no XML"


def _validate(answer: Answer) -> tuple[str, str] | None:
    if web_page(answer.body):
        return "html_page", "answered with a web page instead of data"
    try:
        ET.fromstring(answer.body)
    except ET.ParseError:
        return "changed_layout", "answered with something that is no XML"
    return None


def _verify_range(root: ET.Element, series_id: str, first: str, last: str) -> None:
    """Upstream ignores a mistyped parameter and answers with the newest values instead."""
    found = root.get("realtime_start"), root.get("realtime_end"), root.get("units")
    if found != (first, last, "lin"):
        raise ProviderFailure(
            PROVIDER,
            "wrong_period",
            f"the answer on {series_id} is for {found[0]} to {found[1]} in units {found[2]}, but"
            f" {first} to {last} in lin was asked for",
        )


def spans(vintages: Sequence[date]) -> list[tuple[str, str]]:
    """Real-time ranges that cover all time, each with a limited number of vintages."""
    starts = [day.isoformat() for day in vintages[::VINTAGES_PER_REQUEST]]
    ends = [(date.fromisoformat(day) - timedelta(days=1)).isoformat() for day in starts[1:]]
    return list(zip([FIRST_DAY, *starts[1:]], [*ends, LAST_DAY], strict=True))


def join_periods(rows: Sequence[Row], cuts: Collection[str]) -> list[Row]:
    """One row per value and period; `cuts` are the days at which ranges cut periods in two."""
    joined: list[Row] = []
    for row in sorted(rows, key=lambda item: (item["date"], item["realtime_start"])):
        last = joined[-1] if joined else None
        is_same = last and (last["date"], last["value"]) == (row["date"], row["value"])
        if last and is_same and row["realtime_start"] in cuts:
            last["realtime_end"] = row["realtime_end"]
        else:
            joined.append(dict(row))
    return joined
