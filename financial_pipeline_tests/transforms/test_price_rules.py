"""Prices judged by their neighbours, and dates by their days of the week."""

from datetime import date, timedelta

import pytest

from financial_pipeline.transforms.price_rules import unit_errors
from financial_pipeline_tests.transforms.test_bank_prices import cleaned, reasons, record

AUGUST = [day for day in (date(2018, 8, number) for number in range(1, 32)) if day.weekday() < 5]


@pytest.mark.parametrize(
    ("prices", "wrong"),
    [
        ([107.0, 1.07, 108.0], [1]),
        ([107.0, 10700.0, 10800.0, 108.0], [1, 2]),
        ([4.5, 45.0, 4.4], [1]),
        ([100.0, 50.5, 101.0], [1]),
        # Real moves of Citigroup in November 2008, and a fall that stays.
        ([9.4, 5.95, 6.4, 3.77, 5.95, 6.06], []),
        ([100.0, 50.0, 51.0], []),
    ],
)
def test_factor_that_is_undone_is_an_error_of_the_unit(
    prices: list[float], wrong: list[int]
) -> None:
    assert unit_errors(prices) == wrong


@pytest.mark.parametrize(
    ("first", "count", "reason"),
    [
        # Sunday to Tuesday, Tuesday to Saturday, Sunday to Thursday.
        (date(2018, 8, 5), 3, "shifted_day"),
        (date(2018, 8, 7), 5, "shifted_day"),
        (date(2018, 8, 5), 5, "shifted_day"),
        # Friday and Saturday, and Sunday to Friday: a line too many.
        (date(2018, 8, 3), 2, "no_session"),
        (date(2018, 8, 5), 6, "no_session"),
    ],
)
def test_every_line_of_dates_in_another_time_zone_is_refused(
    first: date, count: int, reason: str
) -> None:
    rows = [record(first + timedelta(n), close=f"10.{n}", volume=f"{n + 1}") for n in range(count)]
    found = reasons(cleaned(*rows, sessions=AUGUST))
    assert set(found.values()) == {reason}
    assert (len(found) == count) == (reason == "shifted_day")
