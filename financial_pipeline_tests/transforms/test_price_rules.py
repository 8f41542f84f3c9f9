"""Prices judged by their neighbours."""

import pytest

from financial_pipeline.transforms.price_rules import unit_errors


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
