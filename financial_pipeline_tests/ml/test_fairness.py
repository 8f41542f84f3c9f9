"""The fairness screen: ratios, gaps, small groups, and its wording."""

import numpy as np
import polars as pl

from financial_pipeline.ml.fairness import WORDING, fairness_rows, income_band


def _screen() -> dict[str, dict[str, object]]:
    # A: 1,000 loans, all approved; B: 1,000 with half approved; C: too few to judge.
    groups = pl.DataFrame({"addr_state": ["A"] * 1000 + ["B"] * 1000 + ["C"] * 499})
    pd = np.concatenate([np.full(1500, 0.1), np.full(500, 0.4), np.full(499, 0.9)])
    target = np.zeros(2499, dtype=np.int8)
    target[[0, 1, 1000, 1999]] = 1
    rows = fairness_rows(target, pd, groups, threshold=0.3)
    return {str(row["level"]): row for row in rows}


def test_approval_ratio_is_against_the_best_group_and_flags_four_fifths() -> None:
    rows = _screen()
    assert rows["A"]["approval_ratio"] == 1
    assert rows["B"]["approval_ratio"] == 0.5
    assert (rows["A"]["needs_a_look"], rows["B"]["needs_a_look"]) == (False, True)


def test_gaps_are_against_all_loans_and_the_groups_own_rate() -> None:
    rows = _screen()
    # Of the 4 bads one is declined, in B, which has two.
    assert rows["B"]["bads_caught_gap"] == 0.25
    assert rows["A"]["bads_caught_gap"] == -0.25
    assert np.isclose(rows["A"]["calibration_gap"], 0.1 - 0.002)


def test_groups_under_500_loans_show_their_count_only() -> None:
    row = _screen()["C"]
    assert row["n"] == 499
    assert row["approval_rate"] is None
    assert row["needs_a_look"] is None


def test_income_bands_are_closed_below_and_keep_unknown_incomes_unknown() -> None:
    bands = income_band(pl.Series([0.0, 29_999.0, 30_000.0, 150_000.0, None]))
    expected = ["under 30000", "under 30000", "30000-50000", "150000 and over", None]
    assert bands.to_list() == expected


def test_wording_says_screen_and_not_finding() -> None:
    assert "screen, not a compliance finding" in WORDING
