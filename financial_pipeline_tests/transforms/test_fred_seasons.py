"""A series without seasonal adjustment is known by its published values, whatever it is named."""

from datetime import date

import polars as pl
import pytest

from financial_pipeline.transforms.fred_seasons import not_adjusted

# December 2017 to 2019 of CPIAUCNS and CPIAUCSL, and January 2010 to 2012 of UNRATENSA and UNRATE.
PRICES, ADJUSTED_PRICES = (246.524, 251.233, 256.974), (247.805, 252.767, 258.63)
UNEMPLOYED, ADJUSTED_UNEMPLOYED = (10.6, 9.8, 8.8), (9.8, 9.1, 8.3)


def rows(series_id: str, month: int, first: int, values: tuple[float, ...]) -> pl.DataFrame:
    days = [date(first + n, month, 1) for n in range(len(values))]
    return pl.DataFrame({"series_id": series_id, "observation_date": days, "value": values})


@pytest.mark.parametrize(
    ("found", "twin"),
    [
        (rows("CPIAUCSL", 12, 2017, PRICES), "CPIAUCNS"),
        (rows("CPIAUCSL", 12, 2017, ADJUSTED_PRICES), None),
        (rows("CPIAUCSL", 12, 2017, (*PRICES[:2], ADJUSTED_PRICES[2])), None),
        (rows("CPIAUCSL", 12, 2017, PRICES[:2]), None),
        (rows("CPIAUCNS", 12, 2017, PRICES), None),
        (rows("UNRATE", 1, 2010, UNEMPLOYED), "UNRATENSA"),
        (rows("UNRATE", 1, 2010, ADJUSTED_UNEMPLOYED), None),
    ],
)
def test_values_of_the_twin_are_named(found: pl.DataFrame, twin: str | None) -> None:
    said = not_adjusted(found)
    assert said is None if twin is None else f"the values of {twin}, the series" in str(said)
