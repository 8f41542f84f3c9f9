"""The cleaning rules of FRED observations, one by one."""

from datetime import date
from typing import Any

import polars as pl
import pytest

from financial_pipeline.transforms.fred_observations import clean
from financial_pipeline.transforms.verdicts import Cleaned

JANUARY, TODAY = date(2019, 1, 1), date(2019, 6, 15)
TEXTS = ("problem", "date", "value", "realtime_start", "realtime_end")


def record(value: str, day: date | None = JANUARY, **more: str) -> dict[str, Any]:
    return {"value": value, "observation_date": day, "date": str(day or "")} | more


def cleaned(*rows: dict[str, Any]) -> Cleaned:
    base = {"series_id": "UNRATE", "vintage": None, "physical_lines": 1, "original_text": ""}
    frame = pl.DataFrame(
        [dict.fromkeys(TEXTS) | base | {"line_number": n} | row for n, row in enumerate(rows, 2)],
        schema_overrides={"vintage": pl.Date, "observation_date": pl.Date}
        | dict.fromkeys(TEXTS, pl.String),
    )
    return clean(frame, date(1947, 1, 1), copied_on=TODAY, today=TODAY)


def reasons(result: Cleaned) -> dict[int, str]:
    return dict(result.quarantined.select("line_number", "reason").iter_rows())


@pytest.mark.parametrize(
    ("text", "value"), [("4.0", 4.0), (".", None), ("", None), ("1.25e1", 12.5)]
)
def test_clean_reads_a_value_or_its_absence(text: str, value: float | None) -> None:
    result = cleaned(record(text))
    assert result.rows["value"].to_list() == [value]
    assert result.staged_lines == 1


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (record("four"), "unparsable_number"),
        (record("4.0", None, date="Jan-19"), "unparsable_date"),
        (record("", None), "empty_row"),
        (record("4.0", problem="wrong_field_count"), "wrong_field_count"),
        (record("4.0", realtime_start="2019-02-10"), "invalid_realtime_period"),
        (
            record("4.0", realtime_start="2019-02-10", realtime_end="2019-02-09"),
            "invalid_realtime_period",
        ),
    ],
)
def test_clean_quarantines_a_broken_rule(row: dict[str, Any], reason: str) -> None:
    assert reasons(cleaned(row, record("4.1", date(2019, 2, 1)))) == {2: reason}


def test_clean_makes_inclusive_periods_half_open() -> None:
    result = cleaned(
        record("4.0", realtime_start="2019-02-10", realtime_end="2019-03-09"),
        record("4.1", realtime_start="2019-03-10", realtime_end="9999-12-31"),
    )
    assert result.rows.select("realtime_start", "realtime_end").rows() == [
        (date(2019, 2, 10), date(2019, 3, 10)),
        (date(2019, 3, 10), date(9999, 12, 31)),
    ]


def test_clean_quarantines_repeats_and_contradictions() -> None:
    assert reasons(cleaned(record("4.0"), record("4.00"))) == {3: "duplicate"}
    assert reasons(cleaned(record("4.1"), record("4.0"))) == {2: "conflict", 3: "conflict"}


def test_clean_counts_observations_before_the_first_month_as_a_note() -> None:
    result = cleaned(record("4.0", date(1946, 12, 1)), record("4.0"))
    assert result.notes == {"before_first_observation_month": 1}
    assert result.rows["observation_date"].to_list() == [JANUARY]
