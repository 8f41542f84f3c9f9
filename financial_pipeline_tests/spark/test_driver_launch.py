"""Spark's Java is launched in a thread: a command continues after the fork, and ends after Java."""

import os
import subprocess
import sys
import threading

import psutil
import pytest
from pyspark import SparkContext

from financial_pipeline.spark import session

SECONDS = 30


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """No launch depends on this machine's Java; the event is set if a session may begin."""
    monkeypatch.setattr(session, "_prepare", lambda _: "local[2]")
    return threading.Event()


def test_launch_returns_after_the_fork_and_before_java_answers(
    begun: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    forked, answers = threading.Event(), threading.Event()

    def launch(conf: object) -> None:
        # As PySpark does: with a function for the child, Python forks.
        subprocess.run(["true"], preexec_fn=lambda: None, check=True)
        forked.set()
        assert answers.wait(SECONDS)

    monkeypatch.setattr(SparkContext, "_ensure_initialized", launch)
    session.launch_driver(begun.set)
    assert forked.wait(SECONDS)
    assert not begun.is_set()
    answers.set()
    assert begun.wait(SECONDS)


def test_launch_that_fails_is_left_to_the_first_session(
    begun: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    def launch(conf: object) -> None:
        raise OSError("no memory")

    monkeypatch.setattr(SparkContext, "_ensure_initialized", launch)
    session.launch_driver(begun.set)
    assert not begun.wait(0.2)


BOGUS = """
from financial_pipeline.errors import PipelineError
from financial_pipeline.spark.session import start_session
try:
    start_session(is_large=False)
except PipelineError as error:
    print(error)
"""
WAITED = """
import threading
from pyspark import SparkContext
from financial_pipeline.spark.session import launch_driver, start_session
begun = threading.Event()
launch_driver(begun.set)
begun.wait(60)
# A job in Python opens the connection of accumulators, which Java's end closes.
start_session(is_large=False).sparkContext.parallelize([1, 2]).map(str).count()
print(SparkContext._gateway.proc.pid)
"""


def run(code: str, **variables: str) -> tuple[str, str]:
    """Run the code, and return its standard output and its standard error."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip(), done.stderr


def test_java_that_cannot_start_is_one_sentence() -> None:
    said, _ = run(BOGUS, SPARK_DRIVER_MEMORY="bogus")
    assert said.startswith("Spark's Java ended while it started;")
    assert "correct SPARK_DRIVER_MEMORY" in said
    assert "\n" not in said


def test_process_ends_after_its_java() -> None:
    pid, errors = run(WAITED)
    assert not psutil.pid_exists(int(pid))
    assert "Traceback" not in errors, errors
