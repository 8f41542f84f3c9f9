"""One macro value as it was known on a day, from what is published."""

import json
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from financial_pipeline.errors import PipelineError
from financial_pipeline.figures.as_of import KnownValue, as_of, sentence, wrong_day
from financial_pipeline.paths import Paths
from financial_pipeline.publishing import publication
from financial_pipeline.publishing.manifest import PublishedTable
from financial_pipeline.publishing.partition_files import write_partition
from financial_pipeline_tests.command import run_command

FOREVER = date(9999, 12, 31)
QUARTER = date(2013, 10, 1)
# GDP of the last quarter of 2013, as its three releases said (methodology 4.2).
RELEASES = [
    (QUARTER, date(2014, 1, 30), date(2014, 2, 28), 17102.5),
    (QUARTER, date(2014, 2, 28), date(2014, 3, 27), 17080.7),
    (QUARTER, date(2014, 3, 27), FOREVER, 17089.6),
    (date(2013, 7, 1), date(2013, 10, 30), FOREVER, 16857.6),
    (date(2014, 1, 1), date(2014, 3, 1), FOREVER, None),
]


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    paths = Paths(tmp_path)
    names = ["observation_date", "realtime_start", "realtime_end", "value"]
    frame = pl.DataFrame(RELEASES, schema=names, orient="row").with_columns(
        series_id=pl.lit("GDP"),
        pit_method=pl.when(pl.col("value") == 16857.6)
        .then(pl.lit("rule"))
        .otherwise(pl.lit("alfred")),
        is_synthetic=pl.lit(False),
        vintage_date=pl.when(pl.col("value") == 16857.6).then(date(2026, 1, 5)),
    )
    folder = paths.published_folder("exports", "fct_macro_observations", "v1")
    write_partition(frame, folder, "all")
    table = PublishedTable(
        "exports", "fct_macro_observations", str(folder.relative_to(tmp_path)), len(RELEASES), ""
    )
    publication.Publication(paths, "test").register(table)
    publication.publish(paths, ["test"], {"source": "files"})
    return paths


@pytest.mark.parametrize(
    ("day", "value", "start", "end"),
    [
        (date(2014, 1, 29), None, None, None),
        (date(2014, 1, 30), 17102.5, date(2014, 1, 30), date(2014, 2, 28)),
        (date(2014, 2, 15), 17102.5, date(2014, 1, 30), date(2014, 2, 28)),
        (date(2014, 2, 27), 17102.5, date(2014, 1, 30), date(2014, 2, 28)),
        (date(2014, 2, 28), 17080.7, date(2014, 2, 28), date(2014, 3, 27)),
        (date(2014, 3, 1), 17080.7, date(2014, 2, 28), date(2014, 3, 27)),
        (date(2026, 1, 1), 17089.6, date(2014, 3, 27), FOREVER),
    ],
)
def test_value_is_that_of_the_release_of_the_day(
    paths: Paths, day: date, value: float | None, start: date | None, end: date | None
) -> None:
    method = "alfred" if start else None
    made = False if start else None
    note = None if start else "not yet published; its first release is of 2014-01-30"
    expected = KnownValue("GDP", QUARTER, day, value, start, end, method, None, made, note)
    assert as_of("GDP", day, QUARTER, paths) == expected


def test_without_an_observation_date_it_is_the_latest_one_with_a_value(paths: Paths) -> None:
    assert as_of("GDP", date(2014, 1, 1), paths=paths).observation_date == date(2013, 7, 1)
    assert as_of("GDP", date(2014, 3, 1), paths=paths).observation_date == QUARTER
    assert as_of("GDP", date(2000, 1, 1), paths=paths).observation_date is None


def test_without_an_observation_date_nothing_is_carried_beyond_its_age(paths: Paths) -> None:
    """275 days for a quarterly series."""
    assert as_of("GDP", date(2014, 7, 3), paths=paths).value == 17089.6
    late = as_of("GDP", date(2014, 7, 4), paths=paths)
    assert (late.value, late.observation_date) == (None, None)
    assert late.note == (
        "the newest observation is of 2013-10-01, more than 275 days before; name its date to read"
        " it"
    )


def test_a_value_that_upstream_left_out_is_null_within_its_period(paths: Paths) -> None:
    known = as_of("GDP", date(2014, 3, 2), date(2014, 1, 1), paths)
    assert (known.value, known.realtime_start) == (None, date(2014, 3, 1))
    assert "not available" in sentence(known)


def test_a_value_dated_by_a_rule_is_said_to_be_todays(paths: Paths) -> None:
    known = as_of("GDP", date(2014, 1, 1), date(2013, 7, 1), paths)
    assert (known.pit_method, known.vintage_date) == ("rule", date(2026, 1, 5))
    assert sentence(known) == (
        "GDP of 2013-07-01, as of 2014-01-01: 16857.6 (today's revised value, of the copy of"
        " 2026-01-05; release day estimated; revisions unknown: about 2013-10-30)"
    )
    early = as_of("GDP", date(2013, 10, 1), date(2013, 7, 1), paths)
    assert sentence(early).endswith("its first release is of 2013-10-30 by estimate")


def test_the_last_of_all_days_reads_the_current_value(paths: Paths) -> None:
    assert as_of("GDP", FOREVER, QUARTER, paths).value == 17089.6


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (date(2013, 11, 15), "GDP is quarterly; did you mean 2013-10-01?"),
        (date(2013, 12, 31), "GDP is quarterly; did you mean 2013-10-01?"),
        (date(2014, 6, 30), "GDP is quarterly; did you mean 2014-04-01?"),
        (date(1900, 1, 1), "GDP starts on 2013-07-01; 1900-01-01 is before its first observation."),
    ],
)
def test_a_day_without_an_observation_names_the_one_that_is_meant(
    paths: Paths, asked: date, words: str
) -> None:
    with pytest.raises(PipelineError) as error:
        as_of("GDP", date(2014, 3, 1), asked, paths)
    assert str(error.value) == words


def test_a_later_period_is_not_yet_published(paths: Paths) -> None:
    known = as_of("GDP", date(2014, 3, 1), date(2015, 1, 1), paths)
    assert sentence(known).endswith("not yet published; the newest observation is 2014-01-01")


@pytest.mark.parametrize(
    ("series_id", "days", "asked", "words"),
    [
        ("DTB3", ["2017-12-21", "2017-12-22", "2017-12-26"], "2017-12-25", "mean 2017-12-26?"),
        ("DTB3", ["2017-12-21", "2017-12-22"], "2017-12-24", "is daily; did you mean 2017-12-22?"),
        ("DTB3", ["2017-12-21", "2017-12-22"], "2017-12-25", None),
        ("DFF", ["2017-12-23", "2017-12-24"], "2017-12-30", None),
        ("ICSA", ["2017-12-16", "2017-12-23"], "2018-01-01", "weekly; did you mean 2017-12-30?"),
        ("UNRATE", ["2025-09-01", "2025-11-01"], "2025-10-01", "no observation of 2025-10-01; did"),
        ("UNRATE", ["2017-12-01", "2018-01-01"], "2017-12-31", "monthly; did you mean 2017-12-01?"),
        ("FYFSD", ["2016-09-30"], "2017-10-31", "is annual; did you mean 2017-09-30?"),
        ("OWN", ["2017-12-01"], "2018-02-07", None),
        ("UNRATE", ["2017-11-01", "2017-12-01"], "9999-12-31", None),
    ],
)
def test_the_rhythm_of_the_series_tells_which_day_is_meant(
    series_id: str, days: list[str], asked: str, words: str | None
) -> None:
    found = wrong_day(
        series_id, pl.Series([date.fromisoformat(day) for day in days]), date.fromisoformat(asked)
    )
    assert (found is None) if words is None else (words in (found or ""))


def test_a_series_that_is_not_published_is_one_sentence(paths: Paths, tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match="GDPC1 is published; ingest it, or choose one of GDP"):
        as_of("GDPC1", date(2014, 1, 1), QUARTER, paths)
    with pytest.raises(PipelineError, match="Nothing is published"):
        as_of("GDP", date(2014, 1, 1), QUARTER, Paths(tmp_path / "none"))


def test_the_command_prints_one_value_for_people_and_for_programs(paths: Paths) -> None:
    asked = ("as-of", "gdp", "2013-10-01", "2014-02-15")
    assert json.loads(run_command(paths.data_root, *asked, "--json").output) == {
        "series_id": "GDP",
        "observation_date": "2013-10-01",
        "as_of": "2014-02-15",
        "value": 17102.5,
        "realtime_start": "2014-01-30",
        "realtime_end": "2014-02-28",
        "pit_method": "alfred",
        "vintage_date": None,
        "is_synthetic": False,
        "note": None,
    }
    told = run_command(paths.data_root, *asked)
    assert (told.exit_code, told.output.strip()) == (
        0,
        "GDP of 2013-10-01, as of 2014-02-15: 17102.5 (published 2014-01-30, until 2014-02-28)",
    )
    early = run_command(paths.data_root, "as-of", "GDP", "2013-10-01", "2014-01-01", "--json")
    assert json.loads(early.output)["value"] is None
    for series, observed in (("XYZ", "2013-10-01"), ("GDP", "2013-11-01")):
        unknown = run_command(paths.data_root, "as-of", series, observed, "2014-01-01")
        assert (unknown.exit_code, unknown.errors.count("\n")) == (1, 1)
