"""The simulated economy is plausible, and its files record what was known on a day."""

import json
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from financial_pipeline.settings import Settings
from financial_pipeline.simulator.economy import simulate_economy
from financial_pipeline.simulator.macro import (
    WORLD_DATE,
    unemployment_path,
    vintages,
    write_macro,
)

SEED = Settings.model_fields["seed"].default


@pytest.fixture(scope="module")
def macro_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fred")
    write_macro(folder, SEED)
    return folder


def observations(folder: Path, series_id: str) -> pl.DataFrame:
    document = json.loads((folder / f"{series_id}.json").read_text())
    frame = pl.DataFrame(document["observations"])
    assert document["count"] == frame.height
    return frame.with_columns(pl.exclude("value").str.to_date())


def test_unemployment_path_covers_every_month_in_a_plausible_band() -> None:
    path = unemployment_path(SEED)
    assert (
        path["month"].to_list()
        == pl.date_range(date(1990, 1, 1), date(2024, 12, 1), "1mo", eager=True).to_list()
    )
    assert path["unrate"].is_between(3.9, 10.0).all()


def test_unemployment_path_has_the_2008_crisis() -> None:
    path = unemployment_path(SEED)
    rise = path.with_columns(rise=pl.col("unrate") - pl.col("unrate").shift(12))
    crisis = rise.filter(pl.col("rise") >= 1.5)["month"]
    assert crisis.min() >= date(2008, 1, 1)
    assert crisis.max() <= date(2010, 1, 1)
    assert crisis.len() >= 12


def test_economy_has_the_moments_of_the_methodology() -> None:
    economy = simulate_economy(SEED)
    inflation = 100 * (economy.price_index[12:] / economy.price_index[:-12] - 1)
    assert inflation.mean() == pytest.approx(2.45, abs=0.5)
    assert inflation.std(ddof=1) == pytest.approx(1.26, abs=0.4)
    assert economy.growth.mean() == pytest.approx(2.75, abs=0.5)
    assert economy.growth.std(ddof=1) == pytest.approx(2.5, abs=0.5)
    assert economy.bill_rate.min() >= 0


def test_write_macro_is_deterministic_in_its_seed(tmp_path: Path, macro_folder: Path) -> None:
    again = write_macro(tmp_path / "again", SEED)
    other = write_macro(tmp_path / "other", SEED + 1)
    assert [path.name for path in again] == [
        f"{series}.json" for series in ("CPIAUCSL", "DTB3", "FEDFUNDS", "GDPC1", "UNRATE")
    ]
    for path, changed in zip(again, other, strict=True):
        assert path.read_bytes() == (macro_folder / path.name).read_bytes()
        assert path.read_bytes() != changed.read_bytes()


def test_write_macro_tells_nothing_published_after_the_world_date(macro_folder: Path) -> None:
    for path in macro_folder.iterdir():
        assert observations(macro_folder, path.stem)["realtime_start"].max() <= WORLD_DATE


def test_unemployment_is_released_on_the_tenth_of_the_next_month(macro_folder: Path) -> None:
    frame = observations(macro_folder, "UNRATE")
    assert frame["date"].max() == date(2019, 2, 1)
    assert frame["realtime_start"].to_list() == [
        month.replace(day=10) for month in frame["date"].dt.offset_by("1mo")
    ]


def test_each_gdp_value_is_revised_about_a_month_after_its_release(macro_folder: Path) -> None:
    frame = observations(macro_folder, "GDPC1").sort("date", "realtime_start")
    first = frame.group_by("date", maintain_order=True).first()
    last = frame.group_by("date", maintain_order=True).last()
    quarter_end = first["date"].dt.offset_by("3mo").dt.offset_by("-1d")
    assert ((first["realtime_start"] - quarter_end).dt.total_days() == 31).all()
    assert ((last["realtime_start"] - first["realtime_start"]).dt.total_days() == 30).all()
    growth_change = 400 * (last["value"].cast(float) / first["value"].cast(float) - 1)
    assert growth_change.std() == pytest.approx(0.6, abs=0.15)


def test_cpi_gets_new_seasonal_factors_each_february(macro_folder: Path) -> None:
    frame = observations(macro_folder, "CPIAUCSL").sort("date", "realtime_start")
    revised = frame.filter(pl.col("date").is_first_distinct().not_())
    assert set(revised["realtime_start"].dt.strftime("%m-%d")) == {"02-18"}
    values = frame["value"].cast(float)
    steps = (values / values.shift(1) - 1).filter(frame["date"] == frame["date"].shift(1))
    assert steps.abs().max() < 0.0025
    assert frame.filter(pl.col("date") == date(2010, 6, 1)).height == 6


def test_bill_rate_is_missing_on_holidays_and_known_the_next_business_day(
    macro_folder: Path,
) -> None:
    frame = observations(macro_folder, "DTB3")
    days = {row["date"]: row for row in frame.iter_rows(named=True)}
    assert days[date(2018, 7, 4)]["value"] == "."
    assert days[date(2018, 7, 6)]["realtime_start"] == date(2018, 7, 9)
    assert days[date(2018, 7, 3)]["realtime_start"] == date(2018, 7, 5)
    assert date(2018, 7, 7) not in days
    values = frame.filter(pl.col("value") != ".")["value"].cast(float)
    assert values.min() >= 0


@pytest.mark.parametrize("series_id", ["UNRATE", "GDPC1", "CPIAUCSL", "FEDFUNDS", "DTB3"])
def test_vintages_of_one_observation_follow_each_other_without_gap(
    macro_folder: Path, series_id: str
) -> None:
    frame = observations(macro_folder, series_id).sort("date", "realtime_start")
    following = frame["date"] == frame["date"].shift(-1)
    gap = (frame["realtime_start"].shift(-1) - frame["realtime_end"]).dt.total_days()
    assert (gap.filter(following) == 1).all()
    assert (frame["realtime_end"].filter(~following.fill_null(False)) == date(9999, 12, 31)).all()


def test_vintages_merges_a_release_that_changes_nothing() -> None:
    releases = pl.DataFrame(
        {
            "date": [date(2018, 1, 1)] * 3,
            "released": [date(2018, 2, 1), date(2018, 3, 1), date(2018, 4, 1)],
            "value": ["1.0", "1.0", "2.0"],
        }
    )
    assert vintages(releases).select("realtime_start", "realtime_end", "value").rows() == [
        (date(2018, 2, 1), date(2018, 3, 31), "1.0"),
        (date(2018, 4, 1), date(9999, 12, 31), "2.0"),
    ]
