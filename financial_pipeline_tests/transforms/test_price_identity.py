"""Prices of another bank, currency or unit are recognised from the stored ones."""

from typing import Any

import polars as pl
import pytest

from financial_pipeline.transforms.price_identity import another_security, no_prices, with_newer
from financial_pipeline_tests.transforms.test_price_scales import KINDS, history, later_file


def stored(*files: list[dict[str, Any]]) -> pl.DataFrame:
    """The stored prices of files of one or more banks, oldest file first."""
    known = no_prices()
    for rows in files:
        known = with_newer(known, pl.DataFrame(rows, schema_overrides=KINDS))
    return known


def test_stored_prices_are_distinct_by_cents_and_the_newest_come_first() -> None:
    noise = [{**row, "close": row["close"] + 1e-7} for row in history("JPM", 50.0)]
    known = stored(history("JPM", 50.0), noise, history("JPM", 25.0))
    assert known.height == 24
    assert known["close"][0] == 25.0


@pytest.mark.parametrize("later", [[], [history("BAC", 30.0, only=True)], [history("BAC", 15.0)]])
def test_a_copy_of_another_bank_is_told_whatever_came_later(later: list[Any]) -> None:
    known = stored(history("BAC", 30.0), *later)
    copy = pl.DataFrame(history("JPM", 30.0), schema_overrides=KINDS)
    assert another_security(copy, known) == (
        "its JPM has the same prices as BAC, of which it is a copy"
    )


def test_another_security_is_told_by_adjusted_closes_if_few_raw_ones_are_stored() -> None:
    adjusted_only = history("JPM", 50.0, only=True)
    known = stored(adjusted_only, history("JPM", 50.0, days=3))
    wrong = [{**row, "adjusted_close": 3.0 ** place, "close": 3.0 ** place}
             for place, row in enumerate(history("JPM", 50.0))]  # fmt: skip
    found = another_security(pl.DataFrame(wrong, schema_overrides=KINDS), known)
    assert found is not None
    assert found.endswith("another security or currency")


@pytest.mark.parametrize(
    ("times", "volume", "common", "refusal"),
    [
        (10.0, 1.0, 12, "10 times the stored one on 12 sessions, and its volumes are not"),
        (7.8, 1.0, 12, "7.8 times the stored one on 12 sessions, and its volumes are not"),
        (0.74, 1.0, 12, "0.74 times the stored one on 12 sessions, and its volumes are not"),
        (19.0, 0.9, 3, "19 times the stored one on 3 sessions"),
        (0.28, 2.0, 3, "0.28 times the stored one on 3 sessions"),
        (1.5, 1 / 1.5, 12, None),
        (1.5, 1.0, 12, None),
        (0.956, 1.0, 12, None),
        (0.863, 1.0, 1, None),
    ],
)
def test_a_constant_ratio_is_a_split_or_another_security(
    times: float, volume: float, common: int, refusal: str | None
) -> None:
    older = history("JPM", 50.0)
    newer = pl.DataFrame(later_file(older[-common:], times, volume), schema_overrides=KINDS)
    found = another_security(newer, stored(older))
    assert (found is None) if refusal is None else (found or "").startswith(f"its JPM is {refusal}")
