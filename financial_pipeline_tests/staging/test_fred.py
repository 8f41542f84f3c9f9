"""FRED files end in exact month partitions of intervals, and none of their lines is lost."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from financial_pipeline.errors import RefusedFile
from financial_pipeline.paths import Paths
from financial_pipeline.raw import archive
from financial_pipeline.schemas.raw import RawFile
from financial_pipeline.schemas.staging import FRED_OBSERVATIONS
from financial_pipeline.settings import Settings
from financial_pipeline.simulator.macro import write_macro
from financial_pipeline.sources import fred
from financial_pipeline.staging import row_accounting
from financial_pipeline.staging.accounting import StagingSummary
from financial_pipeline.staging.fred import stage_fred

FIRST, LAST = date(2018, 11, 1), date(2019, 1, 1)
CURRENT = date(9999, 12, 31)

Drop = Callable[[str, str], list[RawFile]]


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path / "data")


@pytest.fixture
def drop(tmp_path: Path, paths: Paths) -> Drop:
    def drop_file(name: str, content: str) -> list[RawFile]:
        path = tmp_path / name
        path.write_text(content, "utf-8", newline="")
        archive.archive(paths, [fred.describe(path)])
        return archive.accepted_files(paths, "fred_observations")

    return drop_file


def stage(paths: Paths, files: list[RawFile]) -> StagingSummary:
    return stage_fred(paths, files, Settings(), FIRST, LAST)


def staged(paths: Paths, *columns: str) -> list[tuple[object, ...]]:
    frame = pl.read_parquet(paths.staging("fred_observations") / "*.parquet")
    return frame.select(columns).rows()


def accounting(paths: Paths, file: RawFile) -> dict[str, object]:
    rows = row_accounting.by_file(row_accounting.read_accounting(paths, {file.sha256}))
    assert len(rows) == 1
    return rows[0]


def test_stage_fred_writes_one_exact_file_per_observation_month(paths: Paths, drop: Drop) -> None:
    files = drop("x.csv", "DATE,UNRATE\n2018-11-01,3.7\n2019-01-01,4.0\n2019-02-01,3.8\n")
    summary = stage(paths, files)
    months = {"2018-11-01": 1, "2018-12-01": 0, "2019-01-01": 1}
    assert summary == StagingSummary(2, 0, months, 1, date(2019, 1, 1))
    folder = paths.staging("fred_observations")
    assert {path.stem for path in folder.iterdir()} == months.keys()
    assert all(pl.read_parquet(path).schema == FRED_OBSERVATIONS for path in folder.iterdir())
    columns = ["series_id", "realtime_start", "realtime_end", "value", "pit_method", "source"]
    assert staged(paths, *columns) == [
        ("UNRATE", date(2018, 12, 10), CURRENT, 3.7, "rule", "fred"),
        ("UNRATE", date(2019, 2, 10), CURRENT, 4.0, "rule", "fred"),
    ]


def test_stage_fred_replaces_a_month_whose_rows_are_gone(paths: Paths, drop: Drop) -> None:
    stage(paths, drop("x.csv", "DATE,UNRATE\n2018-11-01,3.7\n"))
    assert stage(paths, []).rows == 0
    assert staged(paths, "value") == []


def test_stage_fred_loads_an_unconfigured_series_under_its_own_id(paths: Paths, drop: Drop) -> None:
    stage(paths, drop("VIXCLS.csv", "date,value\n2018-11-01,19.3\n2018-11-02,19.5\n"))
    assert staged(paths, "series_id", "value") == [("VIXCLS", 19.3), ("VIXCLS", 19.5)]


def test_stage_fred_compares_dated_copies_even_where_two_have_the_same_bytes(
    paths: Paths, drop: Drop
) -> None:
    text = "date,value\n2018-11-01,3.7\n"
    drop("UNRATE_2018-12-07.csv", text)
    drop("UNRATE_2018-12-20.csv", text)
    files = drop("UNRATE_2019-01-04.csv", "date,value\n2018-11-01,3.6\n2018-12-01,3.9\n")
    stage(paths, files)
    assert len(files) == 3
    assert staged(paths, "realtime_start", "realtime_end", "value", "pit_method") == [
        (date(2018, 12, 7), date(2019, 1, 4), 3.7, "rule"),
        (date(2019, 1, 4), CURRENT, 3.6, "alfred"),
        (date(2019, 1, 4), CURRENT, 3.9, "alfred"),
    ]
    assert not any(accounting(paths, file)["unexplained"] for file in files)


def test_stage_fred_accounts_for_every_line_of_a_messy_file(paths: Paths, drop: Drop) -> None:
    text = (
        "DATE,UNRATE\r\n1946-12-01,3.0\r\n2018-11-01,3.7\r\n\r\n2018-11-01,3.7\r\nNov-18,3.7\r\n"
        "2018-12-01,x\r\nDATE,UNRATE\r\n2019-01-01,.\r\n2018-12-01"
    )
    files = drop("x.csv", text)
    assert stage(paths, files).quarantined == 4
    assert accounting(paths, files[0]) == {
        "file": "x.csv",
        "dataset": "fred_observations",
        "physical_lines": 10,
        "staged": 2,
        "quarantined": {
            "duplicate": 1,
            "unparsable_date": 1,
            "unparsable_number": 1,
            "wrong_field_count": 1,
        },
        "notes": {"before_first_observation_month": 1, "blank": 1, "header": 1}
        | {"repeated_header": 1},
        "unexplained": 0,
    }


def test_stage_fred_refuses_a_file_without_a_usable_observation(paths: Paths, drop: Drop) -> None:
    files = drop("x.csv", "DATE,UNRATE\n2018-11-01,high\n")
    with pytest.raises(RefusedFile, match=r"x\.csv contains no usable observation .*number 1"):
        stage(paths, files)


def test_stage_fred_gives_back_every_vintage_of_the_simulated_world(
    tmp_path: Path, paths: Paths
) -> None:
    written = write_macro(tmp_path / "fred", seed=7)
    files, _ = archive.archive(paths, [fred.describe(path) for path in written])
    stage_fred(paths, files, Settings(), date(2000, 1, 1), date(2019, 3, 1))
    document = json.loads((tmp_path / "fred" / "CPIAUCSL.json").read_text())
    expected = {
        (row["date"], row["realtime_start"], float(row["value"]))
        for row in document["observations"]
        if row["date"] >= "2000-01-01"
    }
    columns = ["series_id", "observation_date", "realtime_start", "value"]
    rows = [row[1:] for row in staged(paths, *columns) if row[0] == "CPIAUCSL"]
    assert {(str(day), str(start), value) for day, start, value in rows} == expected
    assert len(rows) == len(expected) > 1000
    assert not any(accounting(paths, file)["unexplained"] for file in files)


LINES = st.sampled_from(
    [
        "2018-11-01,3.7",
        "2018-11-01,3.8",
        "2018-12-01,.",
        "2019-01-01,",
        ",",
        "DATE,UNRATE",
        "1946-12-01,3",
        "Nov-18,3",
        "2018-12-01",
        "",
        "  ",
        '2019-01-01,"4\n0"',
        '2019-01-01,"4',
    ]
)


@settings(deadline=None, max_examples=40)
@given(lines=st.lists(LINES, max_size=12), end=st.sampled_from(["", "\n"]))
def test_stage_fred_explains_every_line_of_any_mixture(lines: list[str], end: str) -> None:
    with TemporaryDirectory() as folder:
        path, paths = Path(folder, "x.csv"), Paths(Path(folder, "data"))
        text = "\n".join(["DATE,UNRATE", "2018-10-01,3.8", *lines]) + end
        path.write_text(text)
        files, _ = archive.archive(paths, [fred.describe(path)])
        stage_fred(paths, files, Settings(max_quarantine_share=1.0), FIRST, LAST)
        found = accounting(paths, files[0])
    assert found["unexplained"] == 0
    assert found["physical_lines"] == text.count("\n") + (not text.endswith("\n"))
