"""Odd but real macro files end in the right figure or in a refusal that names the cause."""

import shutil
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from financial_pipeline.errors import PipelineError
from financial_pipeline.paths import Paths
from financial_pipeline.raw import archive
from financial_pipeline.settings import Settings
from financial_pipeline.sources import landing
from financial_pipeline.staging.fred import stage_fred
from financial_pipeline.staging.prices import stage_prices
from financial_pipeline_tests.conftest import PROJECT_ROOT

CASES = PROJECT_ROOT.parent / "shared" / "cases" / "prices_macro"
ARRIVED = datetime(2026, 11, 29, tzinfo=UTC)


def staged(root: Path, folder: Path) -> pl.DataFrame:
    """The staged observations of a drop folder that arrived on ARRIVED."""
    paths, settings = Paths(root), Settings(source="files")
    files, _ = archive.archive(paths, landing.detect_folder(folder))
    files = [replace(file, fetched_at=ARRIVED) for file in files]
    stage_fred(paths, files, settings, date(1990, 1, 1), date(2035, 12, 1))
    return pl.read_parquet(paths.staging("fred_observations") / "*.parquet")


def known(frame: pl.DataFrame, series_id: str, day: str, as_of: str) -> float | None:
    """The value of an observation as it was known on a day; None before its release."""
    observed, on = date.fromisoformat(day), date.fromisoformat(as_of)
    rows = frame.filter(
        (pl.col("series_id") == series_id)
        & (pl.col("observation_date") == observed)
        & (pl.col("realtime_start") <= on)
        & (pl.col("realtime_end") > on)
    )
    assert rows.height <= 1
    return rows["value"][0] if rows.height else None


@pytest.mark.parametrize(
    ("case", "series_id", "day", "as_of", "value"),
    [
        ("m01_quarterly", "UNRATE", "2020-04-01", "2020-05-15", None),
        ("m01_quarterly", "UNRATE", "2020-04-01", "2020-07-30", None),
        ("m01_quarterly", "UNRATE", "2020-04-01", "2020-07-31", 13.0),
        ("m01_quarterly", "CPIAUCSL", "2020-04-01", "2020-07-30", None),
        ("m02_dots", "GCEC1", "2018-04-01", "2018-07-30", None),
        ("m02_dots", "GCEC1", "2018-04-01", "2018-07-31", 3303.0),
        ("m02_dots", "PAYEMS", "2018-02-01", "2018-03-18", 148100.0),
        ("s15_bill_monthly", "DTB3", "2018-12-01", "2018-12-31", None),
        ("s15_bill_monthly", "DTB3", "2018-12-01", "2019-01-18", 2.365789),
        ("m03b_rebase_2023", "GDPC1", "2022-01-01", "2026-11-28", 19924.088),
        ("m03b_rebase_2023", "GDPC1", "2022-01-01", "2026-11-29", 21932.71),
        ("m05_month_end", "UNRATE", "2021-04-01", "2021-05-10", 6.1),
        ("m05_month_end", "GDPC1", "2021-04-01", "2021-07-30", None),
        ("m05_month_end", "GDPC1", "2021-04-01", "2021-07-31", 21440.929),
        ("m25_short_copy", "UNRATE", "2019-10-01", "2020-03-06", 3.6),
        ("m25_short_copy", "UNRATE", "2018-11-01", "2020-03-06", 3.8),
        ("m04d_gdppot_alfred", "GDPPOT", "2026-10-01", "2025-01-17", 23210.0),
        ("m06a_type2", "UNRATE", "2019-10-01", "2019-10-31", None),
        ("m06a_type2", "UNRATE", "2019-10-01", "2019-11-01", 3.6),
        ("m06a_type2", "UNRATE", "2019-11-01", "2020-02-01", 3.5),
        ("m19a_alfred_zip", "CPIAUCSL", "2019-11-01", "2020-02-10", 257.936),
        ("m19a_alfred_zip", "CPIAUCSL", "2019-11-01", "2020-02-11", 257.824),
        ("m19b_alfred_csv", "CPIAUCSL", "2019-12-01", "2020-01-13", None),
        ("m19b_alfred_csv", "CPIAUCSL", "2019-12-01", "2020-01-14", 258.444),
    ],
)
def test_a_case_ends_in_the_right_value(
    tmp_path: Path, case: str, series_id: str, day: str, as_of: str, value: float | None
) -> None:
    if not CASES.is_dir():
        pytest.skip("the folder of cases is not next to the checkout")
    frame = staged(tmp_path, CASES / case)
    assert known(frame, series_id, day, as_of) == value


def test_a_corrected_price_file_that_ends_earlier_wins_on_its_days(tmp_path: Path) -> None:
    if not CASES.is_dir():
        pytest.skip("the folder of cases is not next to the checkout")
    paths, settings = Paths(tmp_path / "root"), Settings(source="files")
    for case, name in (("p15_correction", "WFC.csv"), ("p15_correction_2", "WFC_fixed.csv")):
        # The name of a correction is free; the symbol is that of the first file.
        place = tmp_path / case / "WFC.csv"
        place.parent.mkdir()
        shutil.copy(CASES / case / name, place)
        archive.archive(paths, [landing.detect(place)])
    files = archive.current_files(paths, "bank_prices")
    stage_prices(paths, files, settings, date(2018, 1, 2), date(2018, 5, 24))
    closes = pl.read_parquet(paths.staging("bank_prices") / "*.parquet")
    assert dict(closes.select("session_date", "close").iter_rows())[date(2018, 3, 15)] == 56.830002
    assert closes.height == 100


def test_a_table_of_closing_prices_is_refused_with_the_shape_to_write() -> None:
    if not CASES.is_dir():
        pytest.skip("the folder of cases is not next to the checkout")
    with pytest.raises(PipelineError, match=r"per ticker .* header Date,Open,High,Low,Close"):
        landing.detect_folder(CASES / "p01_close_matrix")


def test_a_padded_series_has_no_observation_between_its_quarters(tmp_path: Path) -> None:
    if not CASES.is_dir():
        pytest.skip("the folder of cases is not next to the checkout")
    frame = staged(tmp_path, CASES / "m02_dots").filter(pl.col("series_id") == "GCEC1")
    assert frame.height == 12
    assert frame["value"].null_count() == 0
