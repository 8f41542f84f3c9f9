"""Made files in the forms that people export macro series in, each with its right value."""

from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from financial_pipeline.errors import PipelineError
from financial_pipeline.paths import Paths
from financial_pipeline.raw import archive
from financial_pipeline.settings import Settings
from financial_pipeline.sources import landing
from financial_pipeline.staging.fred import stage_fred
from financial_pipeline_tests.staging.test_macro_cases import known, staged

HEADER = "observation_date,UNRATE\n"


def months(first_year: int, values: list[str]) -> str:
    """Lines of consecutive months."""
    days = [date(first_year + n // 12, n % 12 + 1, 1) for n in range(len(values))]
    return "".join(f"{day},{value}\n" for day, value in zip(days, values, strict=True))


def weekdays(first: date, count: int) -> list[date]:
    days = [first + timedelta(days=n) for n in range(count)]
    return [day for day in days if day.weekday() < 5]


def frame_of(folder: Path, name: str, text: str) -> pl.DataFrame:
    drop = folder / "drop"
    drop.mkdir()
    (drop / name).write_text(text, "utf-8")
    return staged(folder / "data", drop)


FILLED_BILL = "observation_date,DTB3\n" + "".join(
    f"{day},{1 + day.month / 10}\n" for day in weekdays(date(2018, 1, 1), 365)
)
BLANK_WEEKENDS = "observation_date,DTB3,UNRATE\n" + "".join(
    f"{day},{'' if day.weekday() > 4 else 1.5},{4.1 if day.day == 1 else ''}\n"
    for day in (date(2018, 1, 1) + timedelta(days=n) for n in range(120))
)
MATRIX = f"DATE,{','.join(f'UNRATE_2019{m:02d}06' for m in range(2, 13))}\n" + "".join(
    f"2019-{row:02d}-01,{','.join('.' if col < row else '4.1' for col in range(1, 12))}\n"
    for row in range(1, 12)
)
HALVES = HEADER + "".join(f"{y}-01-01,4.0\n{y}-07-01,4.2\n" for y in range(2005, 2012))
HALF_ENDS = "DATE,GDPC1\n2018-06-30,18000\n2018-12-31,18100\n2019-06-30,18200\n"
TWO_WEEKS = "DATE,ICSA\n" + "".join(
    f"{date(2018, 1, 6) + timedelta(weeks=2 * n)},{220000 + n}\n" for n in range(10)
)
# One value in four, and the first half on another base.
MISTYPED = "DATE,CPIAUCSL\n" + months(2018, ["250.1", "25.02", "250.4", "250.9", "251.1", "502.8"])
REBASED = "DATE,CPIAUCSL\n" + months(2018, ["748.8", "749.1", "250.4", "250.9", "251.1"])
PANDEMIC = months(2020, ["152000", "152300", "150900", "130400", "133000", "137800"])
RELEASES = (
    ",realtime_start,date,value\n"
    "0,2019-12-11 00:00:00,2019-11-01 00:00:00,257.9\n"
    "1,2020-01-14 00:00:00,2019-11-01 00:00:00,258.1\n"
)
LONG = (
    "date,series_id,value,realtime_start,realtime_end\n"
    "2019-10-01,UNRATE,3.6,2026-11-20,2026-11-20\n2019-10-01,CPIAUCSL,257,2026-11-20,2026-11-20\n"
)


@pytest.mark.parametrize(
    ("name", "text", "series_id", "day", "as_of", "value"),
    [
        # Quarters repeated month by month, and months day by day.
        ("x.csv", HEADER + months(2018, ["4.1"] * 3 + ["4.2"] * 3 + ["4.3"] * 3 + ["4.4"] * 3),
         "UNRATE", "2018-04-01", "2018-07-30", None),
        ("DTB3.csv", FILLED_BILL, "DTB3", "2018-12-01", "2018-12-31", None),
        ("DTB3.csv", FILLED_BILL, "DTB3", "2018-12-01", "2019-01-18", 2.2),
        # Half-years, dated by their first or last day, and two weeks.
        ("x.csv", HALVES, "UNRATE", "2005-01-01", "2005-07-30", None),
        ("x.csv", HALVES, "UNRATE", "2005-01-01", "2005-07-31", 4.0),
        ("x.csv", HALF_ENDS, "GDPC1", "2018-01-01", "2018-07-30", None),
        ("x.csv", HALF_ENDS, "GDPC1", "2018-01-01", "2018-07-31", 18000.0),
        ("x.csv", TWO_WEEKS, "ICSA", "2018-02-03", "2018-02-23", None),
        ("x.csv", TWO_WEEKS, "ICSA", "2018-02-03", "2018-02-24", 220002.0),
        # Quarters dated by the first day of their last month.
        ("x.csv", "DATE,GDPC1\n2018-03-01,18000\n2018-06-01,18100\n2018-09-01,18200\n",
         "GDPC1", "2018-01-01", "2018-05-01", 18000.0),
        ("UNRATE.csv", "Date,Value\n2018-01-01,4.0\n2018-02-01,4.1\n2018-03-01,4.2\n",
         "UNRATE", "2018-02-01", "2018-03-10", 4.1),
        # Seventeen equal months are no proof.
        ("x.csv", HEADER + months(2018, ["4.1", *["4.3"] * 17]),
         "UNRATE", "2018-12-01", "2019-01-10", 4.3),
        ("x.csv", HEADER + "2018-01,4.0\n2018-02,4.1\n2018-03,4.2\n",
         "UNRATE", "2018-02-01", "2018-03-10", 4.1),
        ("x.csv", HEADER + "2018-01-01 00:00:00,4.0\n2018-02-01 00:00:00,4.1\n",
         "UNRATE", "2018-02-01", "2018-03-10", 4.1),
        # Empty rows: of weekends, of months to come, of releases to come.
        ("x.csv", BLANK_WEEKENDS, "UNRATE", "2018-03-01", "2018-04-10", 4.1),
        ("x.csv", HEADER + months(2026, ["4.1"] * 10 + ["."] * 14),
         "UNRATE", "2026-10-01", "2026-11-10", 4.1),
        ("x.csv", MATRIX, "UNRATE", "2019-05-01", "2019-06-05", None),
        ("x.csv", MATRIX, "UNRATE", "2019-05-01", "2019-06-06", 4.1),
        ("x.csv", LONG, "CPIAUCSL", "2019-10-01", "2026-11-20", 257.0),
        # Single mistyped values, in the middle and at the end; a true fall.
        ("x.csv", MISTYPED, "CPIAUCSL", "2018-02-01", "2018-12-31", None),
        ("x.csv", MISTYPED, "CPIAUCSL", "2018-06-01", "2018-12-31", None),
        ("x.csv", MISTYPED, "CPIAUCSL", "2018-03-01", "2018-12-31", 250.4),
        ("x.csv", "DATE,PAYEMS\n" + PANDEMIC, "PAYEMS", "2020-04-01", "2020-12-31", 130400.0),
        ("x.csv", HEADER + months(2020, ["3.5", "4.4", "14.8", "13.2"]),
         "UNRATE", "2020-03-01", "2020-12-31", 14.8),
        ("x.csv", HEADER + months(2020, ["3.5", "25", "3.6", "3.5"]),
         "UNRATE", "2020-02-01", "2020-12-31", None),
        # Two quarters with a lost one between them are no years.
        ("x.csv", "DATE,GDPC1\n2018-03-31,18000\n2018-09-30,18200\n",
         "GDPC1", "2018-07-01", "2018-10-31", 18200.0),
        ("x.csv", "DATE,GDPC1\n2018-06-30,18000\n2019-06-30,18200\n",
         "GDPC1", "2019-04-01", "2020-05-01", 18200.0),
        # Releases as pandas saves fredapi's table of them.
        ("CPIAUCSL.csv", RELEASES, "CPIAUCSL", "2019-11-01", "2020-01-13", 257.9),
        ("CPIAUCSL.csv", RELEASES, "CPIAUCSL", "2019-11-01", "2020-01-14", 258.1),
        # Recorded periods of dates at the month's end.
        ("CPIAUCSL.csv", "realtime_start,date,value\n2019-12-11,2019-11-30,257.9\n",
         "CPIAUCSL", "2019-11-01", "2019-12-11", 257.9),
    ],
)  # fmt: skip
def test_form_is_read(
    tmp_path: Path, name: str, text: str, series_id: str, day: str, as_of: str, value: float | None
) -> None:
    assert known(frame_of(tmp_path, name, text), series_id, day, as_of) == value


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("INDPRO.csv", "DATE,INDPRO\n" + months(2018, ['"101,501"'] * 12), "ambiguous_comma 12"),
        (
            "INDPRO.csv",
            "DATE,INDPRO\n" + months(2018, ['"101,501"'] * 11 + ["101.5"]),
            "ambiguous_comma 11",
        ),
        ("x.csv", HEADER + months(2010, ["0.091"] * 24), "that of fractions"),
        ("x.csv", "DATE,DTB3\n" + months(2012, ["0.0002", "0.0004"] * 6), "that of fractions"),
        ("x.csv", HEADER + "0019-01-01,4.1\n", "implausible_date 1"),
        ("x.csv", "DATE,UNRATE_NBD20150101\n2018-01-01,100.5\n", "transformed series"),
        ("x.csv", REBASED, "two bases or in two units, before and from 2018-03-01"),
        ("x.csv", "DATE,UNRATE_20910101\n2019-10-01,3.6\n", "future_release 1"),
        ("x.csv", (HEADER + "2018-01-01,4.1\n").replace(",", ";"), "with semicolons"),
        ("x.csv", LONG.replace("UNRATE", "ABCD"), "is no known FRED series"),
        ("UNRATE.json", '{"observations": [], "count": "x"}', "count 'x', which is no number"),
        ("UNRATE.json", '{"observations": [], "output_type": "y"}', "output_type 'y', which is no"),
        # Rounded by a spreadsheet, on OECD's base, inflation for unemployment, filled to today.
        ("x.csv", HEADER + months(2018, ["4", "4", "5"] * 4), "UNRATE has whole numbers only"),
        (
            "x.csv",
            "DATE,CPIAUCSL\n" + months(2018, [f"{105 + n / 7:.3f}" for n in range(12)]),
            "CPIAUCSL has a median of 105.78. since 2008, and FRED's are between 200 and 600",
        ),
        ("x.csv", HEADER + months(2018, ["2.1", "2.2"] * 6), "UNRATE has a median of 2.15 since"),
        (
            "x.csv",
            HEADER + months(2018, ["4.1", "4.2", *["4.3"] * 18]),
            "one value for at least 18 periods from 2018-03-01 on",
        ),
    ],
)
def test_form_is_refused_by_name(tmp_path: Path, name: str, text: str, reason: str) -> None:
    with pytest.raises(PipelineError, match=reason):
        frame_of(tmp_path, name, text)


def test_quotes_of_years_near_zero_are_per_cent(tmp_path: Path) -> None:
    frame = frame_of(tmp_path, "x.csv", "DATE,DTB3\n" + months(2012, ["0.02", "0.04"] * 6))
    assert known(frame, "DTB3", "2012-02-01", "2012-03-18") == 0.04


@pytest.mark.parametrize(
    ("days", "value"),
    [
        (["2018-04-01", "2018-07-01"], 4.2),
        (["2018-04-01"], 9.9),
        (["2018-04-01", "2018-09-01"], 9.9),
    ],
)
def test_a_few_means_of_quarters_leave_the_months_alone(
    tmp_path: Path, days: list[str], value: float
) -> None:
    drop = tmp_path / "drop"
    drop.mkdir()
    (drop / "UNRATE.csv").write_text(HEADER + months(2018, ["4.2"] * 12))
    (drop / "UNRATE_2019-05-01.csv").write_text(HEADER + "".join(f"{day},9.9\n" for day in days))
    frame = staged(tmp_path / "data", drop)
    assert known(frame, "UNRATE", "2018-04-01", "2019-06-01") == value


@pytest.mark.parametrize(
    ("odd", "value"), [("0", None), ("0.039", None), ("1", 1.0), ("0.999", None), ("-1", None)]
)
def test_an_unemployment_rate_below_one_is_a_missing_value_or_a_fraction(
    tmp_path: Path, odd: str, value: float | None
) -> None:
    values = [*["4.2"] * 5, odd, *["4.2"] * 6]
    frame = frame_of(tmp_path, "x.csv", HEADER + months(2018, values))
    assert known(frame, "UNRATE", "2018-06-01", "2018-12-31") == value
    assert known(frame, "UNRATE", "2018-07-01", "2018-12-31") == 4.2


@pytest.mark.parametrize(
    ("newer", "reason"),
    [
        # Of all unemployed and underemployed, and without seasonal adjustment.
        ([f"{7.4 + n % 3 / 10:.1f}" for n in range(12)], "UNRATE is 3.5 points away from the"),
        (["4.6", "4.4", "4.1", "3.8", "3.9", "4.3"] * 2, "UNRATE is 0.25 points away from the"),
        (["4.1", "4.2", "4.1", "4.0", "4.1", "4.0"] * 2, ""),
    ],
)
def test_a_rate_is_not_revised_by_more_than_tenths(
    tmp_path: Path, newer: list[str], reason: str
) -> None:
    drop = tmp_path / "drop"
    drop.mkdir()
    (drop / "UNRATE.csv").write_text(HEADER + months(2018, ["4.1", "4.1", "4.0", "4.0"] * 6))
    (drop / "UNRATE_2020-05-01.csv").write_text(HEADER + months(2018, newer))
    if reason:
        with pytest.raises(PipelineError, match=reason):
            staged(tmp_path / "data", drop)
    else:
        assert staged(tmp_path / "data", drop).height > 0


@pytest.mark.parametrize(
    ("name", "last", "said"),
    [
        ("UNRATE_old.csv", "4.3", "ends on 2018-06-01, before 2018-12-01: if it is an older copy"),
        # Values as they are, and a copy with its day.
        ("UNRATE_old.csv", "4.1", ""),
        ("UNRATE_2019-01-10.csv", "4.3", ""),
    ],
)
def test_an_undated_copy_that_ends_earlier_with_other_values_is_named(
    tmp_path: Path, name: str, last: str, said: str
) -> None:
    paths = Paths(tmp_path / "data")
    texts = {"UNRATE.csv": ["4.2", "4.1"] * 6, name: ["4.2", "4.1", "4.2", "4.1", "4.2", last]}
    for file, values in texts.items():
        (tmp_path / file).write_text(HEADER + months(2018, values))
        archive.archive(paths, [landing.detect(tmp_path / file)])
    files = archive.current_files(paths, "fred_observations")
    summary = stage_fred(paths, files, Settings(), date(2018, 1, 1), date(2018, 12, 1))
    assert [said in sentence for sentence in summary.warnings] == ([True] if said else [])
