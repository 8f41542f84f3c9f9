"""A job is submitted again where Flink has lost its leader, and never twice."""

from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest

from financial_pipeline.local_cluster.flink_rest import FlinkLeaderless, FlinkRefused, FlinkRest
from financial_pipeline.local_cluster.submission import PATIENCE_SECONDS, submit
from financial_pipeline_tests.streaming.clock import Clock

DRIVER = Path("driver.jar")
GONE = FlinkLeaderless("Flink refused POST: The dispatcher has already been terminated.")


class Flink(FlinkRest):
    """Answers submissions and questions for jobs from two lists, the last one for ever."""

    def __init__(self, submissions: list[str | Exception], jobs: list[list[str] | Exception]):
        object.__setattr__(self, "submissions", submissions)
        object.__setattr__(self, "known", jobs)
        object.__setattr__(self, "asked", [])

    def _next(self, answers: list[Any]) -> Any:
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def run_script(self, driver: Path, script: str, state: Path | None = None) -> str:
        self.asked.append(script)
        return str(self._next(self.submissions))

    def jobs(self) -> list[dict[str, Any]]:
        return [{"jid": name} for name in self._next(self.known)]


def submitted(flink: Flink) -> str:
    clock = Clock()
    return submit(flink, DRIVER, "script", None, clock.now, clock.sleep)


def test_a_refusal_for_want_of_a_leader_is_repeated() -> None:
    flink = Flink([GONE, URLError(ConnectionRefusedError()), "b"], [["a"]])
    assert submitted(flink) == "b"
    assert len(flink.asked) == 3


def test_a_job_that_the_next_leader_brings_back_is_not_submitted_again() -> None:
    flink = Flink([GONE, "twice"], [["a"], ConnectionRefusedError(), ["a"], ["a"], ["a", "b"]])
    assert submitted(flink) == "b"
    assert len(flink.asked) == 1


def test_a_fault_of_the_script_is_told_at_once() -> None:
    flink = Flink([FlinkRefused("no such column")], [[]])
    with pytest.raises(FlinkRefused, match="no such column"):
        submitted(flink)
    assert len(flink.asked) == 1


def test_patience_begins_with_the_first_refusal() -> None:
    clock, flink = Clock(), Flink([GONE, "b"], [[]])
    answer = flink.run_script

    def slowly(*arguments: Any) -> str:
        clock.sleep(2 * PATIENCE_SECONDS)
        return answer(*arguments)

    object.__setattr__(flink, "run_script", slowly)
    assert submit(flink, DRIVER, "script", None, clock.now, clock.sleep) == "b"


def test_patience_ends() -> None:
    clock, flink = Clock(), Flink([GONE], [[]])
    started = clock.now()
    with pytest.raises(FlinkLeaderless, match="terminated"):
        submit(flink, DRIVER, "script", None, clock.now, clock.sleep)
    assert PATIENCE_SECONDS <= clock.now() - started < PATIENCE_SECONDS + 1
