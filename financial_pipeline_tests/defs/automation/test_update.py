"""The job of schedules and the drop folder executes the plan, and only that."""

import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest

from financial_pipeline.defs import runs
from financial_pipeline.defs.automation import update
from financial_pipeline.defs.run_plan import FamilyRun
from financial_pipeline.errors import PipelineError
from financial_pipeline.paths import Paths
from financial_pipeline.raw import ingest
from financial_pipeline.settings import Settings

PRICES = (FamilyRun("prices_job"), "staging/bank_prices", "changed: raw/bank_prices")
METRIC = (FamilyRun("market_metrics_job"), "metrics/market_risk", "its code changed")


@pytest.fixture
def executed(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The options of every execution of the families; no file is fetched."""
    calls: list[dict[str, Any]] = []
    monkeypatch.setattr(ingest, "prepare", lambda *_: None)
    monkeypatch.setattr(update, "begin_spark", lambda _: calls.append({"spark": True}))
    monkeypatch.setattr(runs, "run_families", lambda *_, **options: calls.append(options))
    return calls


def run(monkeypatch: pytest.MonkeyPatch, folder: Path, *rows: Any) -> None:
    monkeypatch.setattr(update, "plan_update", lambda *_: list(rows))
    context: Any = SimpleNamespace(
        repository_def=None, instance="the instance", log=logging.getLogger("update")
    )
    update._execute(context, Settings(), Paths(folder))


def test_nothing_planned_executes_nothing(
    executed: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run(monkeypatch, tmp_path)
    assert executed == []


@pytest.mark.parametrize(("rows", "analytics"), [([PRICES], False), ([PRICES, METRIC], True)])
def test_spark_starts_only_for_metrics_and_models(
    executed: list[dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    rows: list[Any],
    analytics: bool,
) -> None:
    run(monkeypatch, tmp_path, *rows)
    start = [{"spark": True}] if analytics else []
    assert executed == [*start, {"analytics": analytics, "instance": "the instance"}]


def test_job_loads_the_definitions_once() -> None:
    assert update.update_job.executor_def is dg.in_process_executor


def test_empty_folder_plans_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FINANCIAL_PIPELINE_SOURCE", "files")
    monkeypatch.setenv("FINANCIAL_PIPELINE_LANDING", str(tmp_path))
    repository: Any = None
    assert update.plan_update(Settings(), Paths(tmp_path / "data"), repository) == []


def refused(*_: object) -> None:
    raise PipelineError("the file is damaged")


def test_expected_error_is_one_sentence_without_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(update, "_execute", refused)
    with pytest.raises(dg.Failure, match="the file is damaged") as caught:
        update.execute_plan(dg.build_op_context())
    assert caught.value.allow_retries is False


def test_left_out_file_fails_the_run_after_the_publication(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(update, "_execute", lambda *_: None)
    monkeypatch.setattr(ingest, "left_out", lambda _: ["page.csv has no known header"])
    with pytest.raises(dg.Failure, match=r"others were read.*page\.csv"):
        update.execute_plan(dg.build_op_context())
