"""The order in which a command starts Java, its threads and its runs, and what a fault stops."""

from pathlib import Path
from typing import Any, Self
from unittest.mock import Mock

import click
import dagster as dg
import pytest
from click.testing import CliRunner

from financial_pipeline.changes import unchanged
from financial_pipeline.cli import build, engines
from financial_pipeline.cli.main import commands
from financial_pipeline.defs import command, early_spark, runs
from financial_pipeline.defs.run_plan import BARS_JOB, STREAM_JOBS, FamilyRun
from financial_pipeline.errors import PipelineError, RefusedFile
from financial_pipeline.paths import Paths
from financial_pipeline.publishing.publication import Publication
from financial_pipeline.settings import Settings
from financial_pipeline.streaming import simulated_stream

Jobs = list[tuple[str, str]]


class Stream:
    """Stands for the thread of the stream."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


def test_java_starts_before_any_thread_computes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # PySpark forks for it; a matrix product of OpenBLAS in another thread would never end.
    order: list[str] = []
    monkeypatch.setattr(early_spark, "launch_driver", lambda *_: order.append("java"))
    monkeypatch.setattr(
        simulated_stream, "SimulatedStream", lambda *_, **__: order.append("stream")
    )
    monkeypatch.setattr(runs, "run_families", lambda *_, **__: order.append("families"))
    engines.build_tables(Settings(), Paths(tmp_path), print, "all", True, True, False)
    assert order == ["java", "stream", "families"]


class Broken(Stream):
    """A stream whose cluster is gone when its bars are wanted."""

    released = False

    def wait(self) -> None:
        raise OSError("the broker is gone")

    def release(self) -> None:
        self.released = True


def command_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[command.Command, Jobs]:
    """A command whose jobs do nothing; returns it, and the job and publication of each run."""
    executed: Jobs = []

    def execute(run: FamilyRun, *rest: Any) -> int:
        if run.job == BARS_JOB:
            raise PipelineError("No day of this run passed.")
        executed.append((run.job, rest[-1].run))
        return 7

    monkeypatch.setattr(command, "execute", execute)
    monkeypatch.setattr(command, "keys_of", lambda *_: [dg.AssetKey("any")])
    changes = Mock()
    changes.work = lambda run, part: Mock(run=run, keys=part) if part else None
    publication = Publication(Paths(tmp_path), "one")
    made = command.Command(Mock(), Mock(), publication, lambda _: None, "all", changes)
    return made, executed


PLANNED = [FamilyRun(job) for job in ("loans_job", *STREAM_JOBS, "macro_job")]


def test_a_stream_that_fails_stops_no_other_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, executed = command_of(tmp_path, monkeypatch)
    stream: Any = Broken()
    made.run_all(lambda _: PLANNED, stream)
    outcome = made.publish()
    assert [job for job, _ in executed] == ["loans_job", "macro_job", "publish_job"]
    assert outcome.has_built
    assert "every other table is published" in str(outcome.stream_fault)
    assert str(outcome.stream_fault).endswith("the broker is gone")
    assert stream.released


def test_the_line_of_a_finished_step_has_its_rows_and_fits_a_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, _ = command_of(tmp_path, monkeypatch)
    lines: list[str] = []
    made.report = lines.append
    monkeypatch.setattr(command, "execute", lambda *_: 45_912_345)
    run = FamilyRun("macro_correlations_job", "2007-06-01", "2018-12-01")
    made.run_all(lambda _: [run], None)
    assert lines[0].startswith("macro_correlations_job 2007-06-01 to 2018-12-01")
    assert lines[0].endswith("0.0 s    45,912,345 rows")
    assert max(map(len, lines)) <= 80


def test_bars_that_fail_leave_no_table_in_the_publication_of_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, executed = command_of(tmp_path, monkeypatch)
    stream: Any = Mock()
    made.run_all(lambda _: PLANNED, stream)
    assert str(made.publish().stream_fault).endswith("No day of this run passed.")
    assert executed == [
        ("loans_job", "one"),
        ("market_topics_job", "one-stream"),
        ("macro_job", "one"),
        ("publish_job", "one"),
    ]


def test_a_demo_whose_stream_failed_prints_figures_and_is_not_called_current(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remembered: list[str] = []
    monkeypatch.setattr(
        build, "build_tables", lambda *_: command.Outcome(True, "The bars are old.")
    )
    monkeypatch.setattr(build, "_say_what_is_missing", lambda *_: None)
    monkeypatch.setattr(build, "show_figures", lambda **_: click.echo("figures"))
    monkeypatch.setattr(build, "show_headline", lambda: click.echo("headline"))
    monkeypatch.setattr(unchanged, "remember", lambda *_: remembered.append("remembered"))
    done = CliRunner().invoke(
        commands, ["demo", "--no-analytics", "--no-stream", "--data-root", str(tmp_path)]
    )
    assert isinstance(done.exception, PipelineError)
    assert str(done.exception) == "The bars are old."
    assert done.output.endswith("figures\nheadline\n")
    assert remembered == []


def test_a_dataset_of_refused_files_leaves_the_plan_and_stops_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, executed = command_of(tmp_path, monkeypatch)
    execute = command.execute

    def refuse(run: FamilyRun, *rest: Any) -> int:
        if run.job == "loans_job":
            raise RefusedFile("abc", "loans.csv is refused.")
        return execute(run, *rest)

    monkeypatch.setattr(command, "execute", refuse)
    monkeypatch.setattr(command.archive, "dataset_of", lambda *_: "loans")
    jobs = {"loans_job": {"loans"}, "macro_job": {"macro"}, "both_job": {"loans", "macro"}}
    made.run_all(lambda out: [FamilyRun(job) for job in jobs if not jobs[job] & {*out}], None)
    assert [job for job, _ in executed] == ["macro_job"]
    del jobs["macro_job"]
    with pytest.raises(RefusedFile, match=r"loans\.csv"):
        made.run_all(lambda out: [FamilyRun(job) for job in jobs if not jobs[job] & {*out}], None)
