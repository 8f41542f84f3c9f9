"""A file that is nothing known is named, and the others are read."""

from pathlib import Path

import pytest

from financial_pipeline.errors import PipelineError
from financial_pipeline.paths import Paths
from financial_pipeline.raw import archive, ingest
from financial_pipeline.settings import Settings
from financial_pipeline.staging.losses import lost_lines
from financial_pipeline.staging.prices import stage_prices

PRICES = (
    "Date,Open,High,Low,Close,Adj Close,Volume\n"
    "2018-01-02,10,12,9,11,8,100\n2018-01-03,10,12,9,11,8,101\n9999-12-31,10,12,9,11,8,100\n"
)


@pytest.fixture
def world(tmp_path: Path) -> tuple[Settings, Paths]:
    (tmp_path / "drop").mkdir()
    settings = Settings(source="files", landing=tmp_path / "drop", symbols=("JPM", "BAC"))
    return settings, Paths(tmp_path / "data")


def test_stray_price_file_is_named_with_the_line_that_would_read_it(
    world: tuple[Settings, Paths], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, paths = world
    monkeypatch.setenv("FINANCIAL_PIPELINE_SYMBOLS", "JPM,BAC")
    for name in ("JPM.csv", "MS.csv"):
        (paths.data_root.parent / "drop" / name).write_text(PRICES)
    assert [file.subject for file in ingest.landed_files(settings, paths)] == ["JPM"]
    (said,) = ingest.left_out(paths)
    assert "MS.csv" in said
    assert "set FINANCIAL_PIPELINE_SYMBOLS=JPM,BAC,MS" in said
    monkeypatch.setenv("FINANCIAL_PIPELINE_SYMBOLS", "JPM,BAC,MS")
    assert len(ingest.landed_files(settings, paths)) == 2
    assert ingest.left_out(paths) == []


def test_folder_of_unknown_files_only_is_an_error(world: tuple[Settings, Paths]) -> None:
    settings, paths = world
    for name in ("MS.csv", "PNC.csv"):
        (paths.data_root.parent / "drop" / name).write_text(PRICES)
    with pytest.raises(PipelineError, match=r"MS\.csv .* Left out too: PNC\.csv\."):
        ingest.landed_files(settings, paths)


def test_lost_lines_are_told_by_file_and_reason(world: tuple[Settings, Paths]) -> None:
    settings, paths = world
    (paths.data_root.parent / "drop" / "JPM.csv").write_text(PRICES)
    (landed,) = ingest.landed_files(settings, paths)
    files, _ = archive.archive(paths, [landed])
    stage_prices(paths, files, settings, landed.first_date, landed.last_date)
    assert lost_lines(paths) == ["JPM.csv: quarantined lines: 1 (future_session 1)"]
