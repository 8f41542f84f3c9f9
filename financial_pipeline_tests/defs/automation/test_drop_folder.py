"""Files of the drop folder are known by content: new content starts one run, all else none."""

import os
import shutil
import time
from pathlib import Path

import dagster as dg
import pytest

from financial_pipeline.defs.automation.drop_folder import drop_folder_sensor
from financial_pipeline.errors import PipelineError
from financial_pipeline.paths import Paths
from financial_pipeline.raw import ingest
from financial_pipeline.settings import Settings

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


def tick(cursor: str | None = None) -> dg.SensorResult:
    with dg.DagsterInstance.ephemeral() as instance:
        context = dg.build_sensor_context(instance=instance, cursor=cursor)
        result = drop_folder_sensor(context)
    assert isinstance(result, dg.SensorResult)
    return result


def test_new_content_starts_one_raw_run_over_the_sessions_it_holds(drop: Path) -> None:
    put(drop, "JPM.csv", PRICES)
    first = tick()
    [request] = first.run_requests or []
    assert request.job_name == "raw_bank_prices_job"
    assert set(request.tags.values()) >= {"2019-03-28", "2019-03-29"}
    [again] = tick(first.cursor).run_requests or []
    assert again.run_key == request.run_key


def test_archived_content_starts_nothing_under_any_name(drop: Path) -> None:
    put(drop, "JPM.csv", PRICES)
    settings = Settings()
    ingest.archive_dataset(settings, Paths(settings.data_root.resolve()), "bank_prices")
    shutil.copy2(drop / "JPM.csv", drop / "JPM_copy.csv")
    os.utime(drop / "JPM.csv", (1.0, 1.0))
    assert tick().run_requests == []
    put(drop, "JPM.csv", PRICES.replace("1.6", "1.7"))
    assert len(tick().run_requests or []) == 1


def test_file_on_its_way_waits_and_an_unknown_form_is_an_error(drop: Path) -> None:
    put(drop, "JPM.csv", PRICES, age=0)
    assert tick().run_requests == []
    put(drop, "page.csv", "what,is,this\n1,2,3\n")
    with pytest.raises(PipelineError, match="no known header"):
        tick()
