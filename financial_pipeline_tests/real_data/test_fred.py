"""Real FRED files of every form load, and real dated copies come back as of their dates."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from financial_pipeline.paths import Paths
from financial_pipeline.raw import archive
from financial_pipeline.settings import Settings
from financial_pipeline.sources.landing import detect_folder
from financial_pipeline.staging import row_accounting
from financial_pipeline.staging.fred import stage_fred

# Months (quarters) whose value changed between the nine copies.
REVISED = {"CPIAUCSL": 59, "UNRATE": 8}


def stage(data_root: Path, folder: Path, first: date, last: date) -> pl.DataFrame:
    """The staged observations of a landing folder, every line of which is accounted for."""
    paths = Paths(data_root)
    files, _ = archive.archive(paths, detect_folder(folder))
    stage_fred(paths, files, Settings(), first, last)
    hashes = {file.sha256 for file in files}
    rows = row_accounting.by_file(row_accounting.read_accounting(paths, hashes))
    assert len(rows) == len(hashes)
    assert not any(row["unexplained"] or row["quarantined"] for row in rows)
    return pl.read_parquet(paths.staging("fred_observations") / "*.parquet")


@pytest.fixture(scope="module")
def vintages(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    folder = shared_data / "fred_csv" / "vintages_2026"
    root = tmp_path_factory.mktemp("vintages")
    return stage(root, folder, date(1970, 1, 1), date(2026, 8, 1))


def as_of(frame: pl.DataFrame, day: date) -> dict[date, float | None]:
    known = frame.filter((pl.col("realtime_start") <= day) & (day < pl.col("realtime_end")))
    assert known["observation_date"].is_unique().all()
    return dict(known.select("observation_date", "value").iter_rows())


@pytest.mark.parametrize("series_id", ["UNRATE", "CPIAUCSL", "GDPC1"])
def test_real_copies_come_back_as_of_their_dates(
    shared_data: Path, vintages: pl.DataFrame, series_id: str
) -> None:
    series = vintages.filter(pl.col("series_id") == series_id)
    copies = sorted((shared_data / "fred_csv" / "vintages_2026" / series_id).iterdir())
    assert len(copies) == 9
    for path in copies:
        copy = pl.read_csv(path, try_parse_dates=True).select("date", pl.col("value").cast(float))
        assert as_of(series, date.fromisoformat(path.stem[-10:])) == dict(copy.iter_rows())


@pytest.mark.parametrize(("series_id", "revised"), REVISED.items())
def test_real_seasonal_revision_changes_the_known_number_of_months(
    vintages: pl.DataFrame, series_id: str, revised: int
) -> None:
    series = vintages.filter(pl.col("series_id") == series_id)
    values = series.group_by("observation_date").agg(pl.col("value").n_unique())
    assert (values["value"] > 1).sum() == revised


def test_real_undated_files_load_with_their_missing_values(
    shared_data: Path, tmp_path: Path
) -> None:
    folder = shared_data / "fred_csv" / "observation_date_2005_2025"
    frame = stage(tmp_path, folder, date(2005, 1, 1), date(2025, 12, 1))
    counts = dict(frame.group_by("series_id").len().iter_rows())
    assert counts == {"UNRATE": 248, "CPIAUCSL": 248, "GDP": 83, "DGS10": 5404}
    missing = frame.filter(pl.col("value").is_null())
    assert dict(missing.group_by("series_id").len().iter_rows()) == {"DGS10": 221}
    newest = frame.filter(pl.col("series_id") == "GDP").sort("observation_date").tail(1)
    assert newest.select("observation_date", "realtime_start", "value", "pit_method").rows() == [
        (date(2025, 7, 1), date(2025, 10, 31), 30504.5, "rule")
    ]


def test_real_unemployment_has_the_figures_of_the_methodology(
    shared_data: Path, tmp_path: Path
) -> None:
    folder = shared_data / "fred_csv" / "observation_date_1990_2026"
    frame = stage(tmp_path, folder, date(1990, 1, 1), date(2026, 4, 1))
    unrate = frame.filter(pl.col("series_id") == "UNRATE")
    levels = dict(unrate.select("observation_date", "value").iter_rows())
    assert [levels[date(2009, 10, 1)], levels[date(2020, 4, 1)]] == [10.0, 14.8]
    assert levels[date(2025, 10, 1)] is None
    prices = frame.filter(pl.col("series_id") == "CPIAUCSL")
    index = dict(prices.select("observation_date", "value").iter_rows())
    yearly = 100 * (index[date(2011, 12, 1)] / index[date(2010, 12, 1)] - 1)
    assert yearly == pytest.approx(3.06, abs=0.01)


@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        ("DATE_dots_1934_2022", {"DTB3": (17958, 756), "TB3MS": (1066 - 13 * 12, 0)}),
        ("DATE_2000_2020", {"A191RL1Q225SBEA": (82, 0)}),
    ],
)
def test_real_older_downloads_load_with_their_dots(
    shared_data: Path, tmp_path: Path, folder: str, expected: dict[str, tuple[int, int]]
) -> None:
    frame = stage(tmp_path, shared_data / "fred_csv" / folder, date(1947, 1, 1), date(2022, 12, 1))
    found = frame.group_by("series_id").agg(pl.len(), pl.col("value").null_count())
    assert {name: (rows, dots) for name, rows, dots in found.iter_rows()} == expected
