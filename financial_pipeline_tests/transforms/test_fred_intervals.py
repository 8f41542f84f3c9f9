"""Intervals record the value known on a day, never overlap, and reproduce every copy."""

from datetime import date, timedelta
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from financial_pipeline.transforms.fred_intervals import realtime_intervals

OCTOBER, NOVEMBER, DECEMBER = date(2018, 10, 1), date(2018, 11, 1), date(2018, 12, 1)
CURRENT = date(9999, 12, 31)
ARRIVED = date(2019, 6, 15)
SCHEMA = {
    "series_id": pl.String,
    "observation_date": pl.Date,
    "vintage": pl.Date,
    "realtime_start": pl.Date,
    "realtime_end": pl.Date,
    "value": pl.Float64,
    "line_number": pl.Int64,
    "file_rank": pl.Int64,
    "frequency": pl.String,
    "arrived": pl.Date,
}


def row(day: date, value: float | None, **more: Any) -> dict[str, Any]:
    base = {"series_id": "UNRATE", "observation_date": day, "value": value, "file_rank": 0}
    base |= {"arrived": ARRIVED}
    return dict.fromkeys(SCHEMA) | base | {"line_number": 2} | more


def copy(vintage: date, values: dict[date, float | None], rank: int = 0) -> list[dict[str, Any]]:
    return [row(day, value, vintage=vintage, file_rank=rank) for day, value in values.items()]


def intervals(*rows: dict[str, Any]) -> pl.DataFrame:
    return realtime_intervals(pl.DataFrame(rows, schema=SCHEMA))


def intervals_of(*rows: dict[str, Any]) -> list[tuple[Any, ...]]:
    columns = ["observation_date", "realtime_start", "realtime_end", "value", "pit_method"]
    return intervals(*rows).select(columns).rows()


def as_of(frame: pl.DataFrame, day: date) -> dict[date, float | None]:
    known = frame.filter((pl.col("realtime_start") <= day) & (day < pl.col("realtime_end")))
    assert known["observation_date"].is_unique().all()
    return dict(known.select("observation_date", "value").iter_rows())


def test_a_recorded_period_is_kept_as_it_is() -> None:
    first = {"realtime_start": date(2014, 1, 30), "realtime_end": date(2014, 2, 28)}
    second = {"realtime_start": date(2014, 2, 28), "realtime_end": CURRENT}
    quarter = date(2013, 10, 1)
    frame = intervals(row(quarter, 17102.5, **first), row(quarter, 17080.7, **second))
    assert as_of(frame, date(2014, 1, 29)) == {}
    assert as_of(frame, date(2014, 2, 15)) == {quarter: 17102.5}
    assert as_of(frame, date(2014, 3, 1)) == {quarter: 17080.7}
    assert set(frame["pit_method"]) == {"alfred"}


def test_a_newer_answer_ends_the_open_period_of_an_older_one() -> None:
    old = row(OCTOBER, 3.8, realtime_start=date(2018, 11, 2), realtime_end=CURRENT, file_rank=1)
    same = old | {"realtime_end": date(2019, 1, 4), "file_rank": 0}
    new = row(OCTOBER, 3.7, realtime_start=date(2019, 1, 4), realtime_end=CURRENT)
    expected = [
        (OCTOBER, date(2018, 11, 2), date(2019, 1, 4), 3.8, "alfred"),
        (OCTOBER, date(2019, 1, 4), CURRENT, 3.7, "alfred"),
    ]
    assert intervals_of(old, same, new) == expected
    assert intervals_of(old, new) == expected


def test_copies_are_compared_one_by_one() -> None:
    first, second, third = date(2018, 12, 9), date(2019, 1, 6), date(2019, 2, 3)
    assert intervals_of(
        *copy(first, {OCTOBER: 3.8, NOVEMBER: 3.7}),
        *copy(second, {OCTOBER: 3.8, NOVEMBER: 3.7, DECEMBER: 3.9}),
        *copy(third, {OCTOBER: 3.8, NOVEMBER: 3.6, DECEMBER: 3.9}),
    ) == [
        (OCTOBER, date(2018, 11, 10), CURRENT, 3.8, "rule"),
        # The rule says December 10th, but the first copy had it a day earlier.
        (NOVEMBER, date(2018, 12, 9), third, 3.7, "rule"),
        (NOVEMBER, third, CURRENT, 3.6, "alfred"),
        (DECEMBER, second, CURRENT, 3.9, "alfred"),
    ]


def test_an_observation_that_a_later_copy_leaves_out_ends_there() -> None:
    first, second, third = date(2019, 1, 11), date(2019, 2, 1), date(2019, 3, 1)
    whole = {OCTOBER: 3.8, NOVEMBER: 3.7, DECEMBER: 3.9}
    left = {OCTOBER: 3.8, DECEMBER: 3.9}
    frame = intervals(*copy(first, whole), *copy(second, left), *copy(third, whole))
    assert as_of(frame, date(2019, 1, 15)) == whole
    assert as_of(frame, date(2019, 2, 15)) == left
    assert as_of(frame, third) == whole


def test_a_longer_hole_in_a_later_copy_withdraws_nothing() -> None:
    months = [date(2018, month, 1) for month in range(1, 9)]
    whole = {month: 3.0 + place for place, month in enumerate(months)}
    part = {month: 9.0 for month in (months[0], months[1], months[4], months[6], months[7])}
    later = date(2019, 2, 1)
    frame = intervals(*copy(date(2019, 1, 11), whole), *copy(later, part))
    left = {month: value for month, value in whole.items() if month != months[5]}
    assert as_of(frame, later) == left | part


def test_single_months_of_a_year_withdraw_nothing_between_them() -> None:
    part, later = (
        {OCTOBER: 3.8},
        {date(2018, 7, 1): 3.9, date(2019, 1, 1): 4.0, date(2019, 2, 1): 4.1},
    )
    frame = intervals(*copy(date(2018, 12, 1), part), *copy(date(2019, 4, 1), later))
    assert as_of(frame, date(2019, 4, 1)) == part | later


def test_a_copy_that_ends_earlier_removes_nothing_after_its_end() -> None:
    first, second = date(2019, 1, 11), date(2019, 3, 6)
    whole = {OCTOBER: 3.8, NOVEMBER: 3.7, DECEMBER: 3.9}
    frame = intervals(*copy(first, whole), *copy(second, {OCTOBER: 3.6}))
    assert as_of(frame, second) == whole | {OCTOBER: 3.6}


def test_a_copy_of_an_old_part_does_not_delay_later_observations() -> None:
    part, whole = copy(date(2019, 6, 1), {OCTOBER: 3.8}), {OCTOBER: 3.8, NOVEMBER: 3.7}
    assert as_of(intervals(*part, *copy(date(2019, 6, 9), whole)), date(2018, 12, 10)) == whole


def test_a_copy_that_starts_later_removes_nothing_before_its_start() -> None:
    frame = intervals(
        *copy(date(2019, 1, 1), {OCTOBER: 3.8, NOVEMBER: 3.7}),
        *copy(date(2019, 2, 1), {NOVEMBER: 3.7, DECEMBER: 3.9}),
    )
    assert as_of(frame, date(2019, 2, 1)) == {OCTOBER: 3.8, NOVEMBER: 3.7, DECEMBER: 3.9}


def test_a_value_that_goes_missing_is_a_revision() -> None:
    frame = intervals(
        *copy(date(2019, 1, 1), {OCTOBER: 3.8, NOVEMBER: None}),
        *copy(date(2019, 2, 1), {OCTOBER: None, NOVEMBER: None}),
    )
    assert as_of(frame, date(2019, 1, 1)) == {OCTOBER: 3.8, NOVEMBER: None}
    assert as_of(frame, date(2019, 2, 1)) == {OCTOBER: None, NOVEMBER: None}
    assert frame.height == 3


def test_an_undated_file_is_a_copy_of_the_day_on_which_it_arrived() -> None:
    recorded = row(OCTOBER, 3.8, realtime_start=date(2018, 11, 2), realtime_end=CURRENT)
    copied = copy(date(2019, 1, 6), {OCTOBER: 1.0, NOVEMBER: 3.7})
    undated = [row(OCTOBER, 2.0), row(NOVEMBER, 2.0), row(DECEMBER, 3.9)]
    assert intervals_of(recorded, *copied, *undated) == [
        (OCTOBER, date(2018, 11, 2), CURRENT, 3.8, "alfred"),
        (NOVEMBER, date(2018, 12, 10), ARRIVED, 3.7, "rule"),
        (NOVEMBER, ARRIVED, CURRENT, 2.0, "rule"),
        # The copy of January 6th lacks December, which the rule dates to the 10th.
        (DECEMBER, date(2019, 1, 10), CURRENT, 3.9, "rule"),
    ]


def test_a_copy_that_arrives_after_a_record_ends_its_open_value() -> None:
    recorded = row(OCTOBER, 3.8, realtime_start=date(2018, 11, 2), realtime_end=CURRENT)
    later = date(2019, 7, 1)
    assert intervals_of(recorded, row(OCTOBER, 3.9, arrived=later)) == [
        (OCTOBER, date(2018, 11, 2), later, 3.8, "alfred"),
        (OCTOBER, later, CURRENT, 3.9, "rule"),
    ]


def test_values_keep_the_day_of_the_copy_whose_units_they_have() -> None:
    old, rebased = copy(date(2019, 1, 11), {OCTOBER: 3.8}), [row(OCTOBER, 5.0), row(NOVEMBER, 5.1)]
    frame = intervals(*old, *rebased).select("observation_date", "value", "vintage_date")
    assert frame.rows() == [
        (OCTOBER, 3.8, date(2019, 1, 11)),
        (OCTOBER, 5.0, ARRIVED),
        (NOVEMBER, 5.1, ARRIVED),
    ]


def test_the_newest_undated_file_wins() -> None:
    assert [
        item[3] for item in intervals_of(row(OCTOBER, 1.0, file_rank=1), row(OCTOBER, 2.0))
    ] == [2.0]


def test_series_do_not_touch_each_other() -> None:
    frame = intervals(row(OCTOBER, 3.8), row(OCTOBER, 252.0) | {"series_id": "CPIAUCSL"})
    assert frame.select("series_id", "realtime_start").rows() == [
        ("UNRATE", date(2018, 11, 10)),
        ("CPIAUCSL", date(2018, 11, 18)),
    ]


MONTHS_OF_2018 = [date(2018, 1 + step, 1) for step in range(6)]
MONTHS = st.sampled_from(MONTHS_OF_2018)
VALUES = st.sampled_from([None, 1.0, 2.0])
COPIES = st.dictionaries(
    st.integers(0, 20).map(lambda step: date(2018, 7, 1) + timedelta(weeks=step)),
    st.dictionaries(MONTHS, VALUES, min_size=1),
    min_size=1,
    max_size=6,
)


def neighbours(month: date) -> set[date]:
    """The months before and after; one of 2017 is in no copy."""
    return {(month - timedelta(days=1)).replace(day=1), (month + timedelta(days=31)).replace(day=1)}


@settings(deadline=None, max_examples=60)
@given(COPIES)
def test_as_of_a_copy_gives_that_copy_back(copies: dict[date, dict[date, float | None]]) -> None:
    frame = intervals(*(item for day, values in copies.items() for item in copy(day, values)))
    for day, values in copies.items():
        known = as_of(frame, day)
        assert values.items() <= known.items()
        left_out = {d for d in MONTHS_OF_2018 if not neighbours(d) - values.keys()}
        assert not (left_out - values.keys()) & known.keys()
    ordered = frame.sort("observation_date", "realtime_start")
    same = ordered["observation_date"] == ordered["observation_date"].shift(-1)
    overlap = ordered["realtime_end"] > ordered["realtime_start"].shift(-1)
    assert not (same & overlap).any()
    assert (frame["realtime_start"] < frame["realtime_end"]).all()
