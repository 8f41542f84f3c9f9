"""Budget, cache with expiry, circuit breaker and back-off, on a clock that tests move."""

from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path

import pytest

from financial_pipeline.sources.courtesy import Answer, Courtesy, ProviderFailure

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
def courtesy(tmp_path: Path, clock: Clock) -> Courtesy:
    return Courtesy(
        tmp_path, budget=20, cache_seconds=60, sleep=clock.sleep, clock=lambda: clock.now
    )


def answers(*statuses: int, **headers: str) -> Callable[[], Answer]:
    left = list(statuses)
    return lambda: Answer(left.pop(0), headers, b"data")


def unreachable() -> Answer:
    raise ConnectionRefusedError


def ask(courtesy: Courtesy, send: Callable[[], Answer], address: str = "a") -> Answer:
    return courtesy.ask("FRED", address, send, lambda answer: None)


def test_an_answer_is_kept_until_it_expires(courtesy: Courtesy, clock: Clock) -> None:
    send = answers(200, 200)
    assert ask(courtesy, send).body == ask(courtesy, send).body == b"data"
    assert courtesy.spent == 1
    clock.now += 61
    ask(courtesy, send)
    assert courtesy.spent == 2


def test_a_budget_that_is_spent_is_a_failure(courtesy: Courtesy) -> None:
    courtesy.budget = 2
    ask(courtesy, answers(200), "a")
    ask(courtesy, answers(200), "b")
    with pytest.raises(ProviderFailure, match="FINANCIAL_PIPELINE_REQUEST_BUDGET") as failure:
        ask(courtesy, answers(200), "c")
    assert failure.value.reason == "budget_spent"
    # What is known already costs nothing.
    assert ask(courtesy, answers(), "a").status == 200


def test_waits_double_and_give_up_after_three_tries(courtesy: Courtesy, clock: Clock) -> None:
    with pytest.raises(ProviderFailure, match="status 503"):
        ask(courtesy, answers(503, 503, 503))
    assert clock.waits == [2.0, 4.0]


def test_a_date_to_retry_after_is_understood(courtesy: Courtesy, clock: Clock) -> None:
    later = formatdate(START + 30, usegmt=True)
    assert ask(courtesy, answers(429, 200, **{"retry-after": later})).status == 200
    assert clock.waits == [pytest.approx(30.0)]


def test_the_circuit_opens_after_repeated_failures_and_closes_later(
    courtesy: Courtesy, clock: Clock
) -> None:
    for _ in range(3):
        with pytest.raises(ProviderFailure, match="cannot be reached") as failure:
            ask(courtesy, unreachable)
        assert failure.value.reason == "unreachable"
    with pytest.raises(ProviderFailure) as failure:
        ask(courtesy, answers(200))
    assert failure.value.reason == "circuit_open"
    assert courtesy.ask("Yahoo", "a", answers(200), lambda answer: None).status == 200
    clock.now += 301
    assert ask(courtesy, answers(200)).status == 200


def test_requests_keep_their_distance(courtesy: Courtesy, clock: Clock) -> None:
    courtesy.pause_seconds = 0.5
    ask(courtesy, answers(200), "a")
    ask(courtesy, answers(200), "b")
    assert clock.waits == [0.5]


def test_what_is_judged_to_be_no_data_is_neither_returned_nor_kept(
    courtesy: Courtesy, tmp_path: Path
) -> None:
    with pytest.raises(ProviderFailure, match="a page"):
        courtesy.ask("FRED", "a", answers(200), lambda answer: ("html_page", "a page"))
    assert list(tmp_path.iterdir()) == []
