"""The loop behind `stream submit --follow`."""

from typing import Any, cast

import pytest

from financial_pipeline.errors import PipelineError
from financial_pipeline.streaming.existing_flink import ExistingFlink, Submission
from financial_pipeline.streaming.job_keeper import keep_running

URL = "http://flink.invalid:8081"
RUNNING, LOST = Submission("a"), PipelineError("No Flink answers.")
RESUMED = Submission("b", is_new=True, state="file:/state/a/chk-9")


class Flink:
    """Answers from a list, and ends the loop after the last answer."""

    def __init__(self, *answers: Submission | PipelineError | None) -> None:
        self.answers = [*answers]
        self.asked: list[str] = []
        self.rest = self
        self.url = URL

    def _next(self, name: str) -> Submission | None:
        self.asked.append(name)
        answer = self.answers.pop(0)
        if isinstance(answer, PipelineError):
            raise answer
        return answer

    def submit(self) -> Submission | None:
        return self._next("submit")

    def resume(self) -> Submission | None:
        return self._next("resume")

    def sleep(self, _seconds: float) -> None:
        if not self.answers:
            raise KeyboardInterrupt


def told(flink: Any) -> list[str]:
    sentences: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        keep_running(cast("ExistingFlink", flink), sentences.append, flink.sleep)
    return sentences


def test_a_lost_job_is_resumed_and_each_change_told_once() -> None:
    flink = Flink(RUNNING, RUNNING, LOST, LOST, RESUMED, Submission("b"))
    assert told(flink) == [
        f"The job a runs on {URL} already.",
        "Error: No Flink answers.",
        f"The job b runs on {URL}, resumed from file:/state/a/chk-9; its first checkpoint is"
        " complete.",
    ]


def test_a_stopped_job_is_submitted_when_the_loop_starts_and_not_later() -> None:
    flink = Flink(LOST, RUNNING, None, None)
    assert len(told(flink)) == 2
    assert flink.asked == ["submit", "submit", "resume", "resume"]
