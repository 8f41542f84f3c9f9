"""Files of the drop folder are known by content: new content starts one run, all else none."""

import os
import time
from pathlib import Path

import dagster as dg
import pytest

from financial_pipeline.defs.automation import drop_folder as module
from financial_pipeline.defs.run_plan import FamilyRun
from financial_pipeline.errors import PipelineError

PRICES = """Date,Open,High,Low,Close,Adj Close,Volume
2019-03-28,1,3,1,2,1.5,10
2019-03-29,1,3,1,2,1.6,9
"""


@pytest.fixture
def drop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "drop"
    folder.mkdir()
    monkeypatch.setenv("FINANCIAL_PIPELINE_SOURCE", "files")
    monkeypatch.setenv("FINANCIAL_PIPELINE_LANDING", str(folder))
    monkeypatch.setenv("FINANCIAL_PIPELINE_DATA_ROOT", str(tmp_path / "data"))
    return folder


def put(folder: Path, name: str, text: str, *, age: float = 60) -> Path:
    path = folder / name
    path.write_text(text, "utf-8")
    os.utime(path, (time.time() - age, time.time() - age))
    return path


@pytest.fixture(autouse=True)
def plans(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Stand in for the plan: the assets that would be built."""
    assets = ["staging/bank_prices"]

    def planned(*_: object) -> list[tuple[FamilyRun, str, str]]:
        return [(FamilyRun("prices_job"), asset, "changed: raw/bank_prices") for asset in assets]

    monkeypatch.setattr(module, "plan_update", planned)
    return assets


def tick(cursor: str | None = None) -> dg.SensorResult | dg.SkipReason:
    with dg.DagsterInstance.ephemeral() as instance:
        repository = dg.Definitions().get_repository_def()
        context = dg.build_sensor_context(
            instance=instance, cursor=cursor, repository_def=repository
        )
        result = module.drop_folder_sensor(context)
    assert isinstance(result, (dg.SensorResult, dg.SkipReason))
    return result


def request_of(result: dg.SensorResult | dg.SkipReason) -> dg.RunRequest:
    assert isinstance(result, dg.SensorResult)
    [request] = result.run_requests or []
    return request


def reason_of(result: dg.SensorResult | dg.SkipReason) -> str:
    if isinstance(result, dg.SkipReason):
        return str(result.skip_message)
    assert not result.run_requests
    return str(result.skip_reason and result.skip_reason.skip_message)


def test_changes_start_one_run_that_names_its_reason(drop: Path) -> None:
    put(drop, "JPM.csv", PRICES)
    first = tick()
    assert module.drop_folder_sensor.job_name == "update_job"
    reason = request_of(first).tags["financial_pipeline/reason"]
    assert reason == "1 assets. staging/bank_prices: changed: raw/bank_prices"
    assert request_of(tick()).run_key == request_of(first).run_key
    assert isinstance(first, dg.SensorResult)
    assert "since the last tick" in reason_of(tick(first.cursor))


def test_new_content_after_a_failed_run_starts_another(drop: Path) -> None:
    put(drop, "JPM.csv", PRICES)
    first = tick()
    put(drop, "JPM.csv", PRICES.replace("1.6", "1.7"))
    assert isinstance(first, dg.SensorResult)
    assert request_of(tick(first.cursor)).run_key != request_of(first).run_key


def test_plan_with_nothing_to_build_starts_nothing(drop: Path, plans: list[str]) -> None:
    put(drop, "JPM.csv", PRICES)
    plans.clear()
    assert "every table is up to date" in reason_of(tick())


def test_file_on_its_way_waits_and_an_empty_folder_is_named(drop: Path) -> None:
    assert "no data file" in reason_of(tick())
    put(drop, "JPM.csv", PRICES, age=0)
    assert "JPM.csv may still be arriving" in reason_of(tick())


def test_unknown_form_is_an_error(drop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setenv("FINANCIAL_PIPELINE_SOURCE", "files")
    monkeypatch.setenv("FINANCIAL_PIPELINE_LANDING", str(drop))
    monkeypatch.setenv("FINANCIAL_PIPELINE_DATA_ROOT", str(drop.parent / "data"))
    put(drop, "page.csv", "what,is,this\n1,2,3\n")
    with pytest.raises(PipelineError, match="no known header"):
        tick()
