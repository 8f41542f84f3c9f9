"""Budget, cache with expiry, circuit breaker and back-off, on a clock that tests move."""

from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path

import pytest

from financial_pipeline.sources.http_client import Answer, HttpClient, ProviderFailure

START = 1_800_000_000.0


class Clock:
    """A clock that only waits and tests move."""

    def __init__(self) -> None:
        self.now = START
        self.waits: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def http(tmp_path: Path, clock: Clock) -> HttpClient:
    return HttpClient(
        tmp_path, budget=20, cache_seconds=60, sleep=clock.sleep, clock=lambda: clock.now
    )


def answers(*statuses: int, **headers: str) -> Callable[[], Answer]:
    left = list(statuses)
    return lambda: Answer(left.pop(0), headers, b"data")


def unreachable() -> Answer:
    raise ConnectionRefusedError


def ask(http: HttpClient, send: Callable[[], Answer], address: str = "a") -> Answer:
    return http.request("FRED", address, send, lambda answer: None)


def test_an_answer_is_kept_until_it_expires(http: HttpClient, clock: Clock) -> None:
    send = answers(200, 200)
    assert ask(http, send).body == ask(http, send).body == b"data"
    assert http.spent == 1
    clock.now += 61
    ask(http, send)
    assert http.spent == 2


def test_a_budget_that_is_spent_is_a_failure(http: HttpClient) -> None:
    http.budget = 2
    ask(http, answers(200), "a")
    ask(http, answers(200), "b")
    with pytest.raises(ProviderFailure, match="FINANCIAL_PIPELINE_REQUEST_BUDGET") as failure:
        ask(http, answers(200), "c")
    assert failure.value.reason == "budget_spent"
    # What is known already costs nothing.
    assert ask(http, answers(), "a").status == 200


def test_waits_double_and_give_up_after_three_tries(http: HttpClient, clock: Clock) -> None:
    with pytest.raises(ProviderFailure, match="status 503"):
        ask(http, answers(503, 503, 503))
    assert clock.waits == [2.0, 4.0]


def test_a_date_to_retry_after_is_understood(http: HttpClient, clock: Clock) -> None:
    later = formatdate(START + 30, usegmt=True)
    assert ask(http, answers(429, 200, **dict([("retry-after", later)]))).status == 200
    assert clock.waits == [pytest.approx(30.0)]


def test_the_circuit_opens_after_repeated_failures_and_closes_later(
    http: HttpClient, clock: Clock
) -> None:
    for _ in range(3):
        with pytest.raises(ProviderFailure, match="cannot be reached") as failure:
            ask(http, unreachable)
        assert failure.value.reason == "unreachable"
    with pytest.raises(ProviderFailure) as failure:
        ask(http, answers(200))
    assert failure.value.reason == "circuit_open"
    assert http.request("Yahoo", "a", answers(200), lambda answer: None).status == 200
    clock.now += 301
    assert ask(http, answers(200)).status == 200


def test_requests_keep_their_distance(http: HttpClient, clock: Clock) -> None:
    http.pause_seconds = 0.5
    ask(http, answers(200), "a")
    ask(http, answers(200), "b")
    assert clock.waits == [0.5]


def test_what_is_judged_to_be_no_data_is_neither_returned_nor_kept(
    http: HttpClient, tmp_path: Path
) -> None:
    with pytest.raises(ProviderFailure, match="a page"):
        http.request("FRED", "a", answers(200), lambda answer: ("html_page", "a page"))
    assert list(tmp_path.iterdir()) == []
