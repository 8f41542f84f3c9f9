"""Default rates of the figures come from the counts of the metrics."""

import pytest
from statsmodels.stats.proportion import proportion_confint

from financial_pipeline.figures.default_rates import default_rates, resolved_only


def test_rate_and_interval_follow_from_the_counts() -> None:
    (row,) = default_rates([{"definition": "D1", "grade": "A", "loans": 10_085, "defaults": 602}])
    low, high = proportion_confint(602, 10_085, method="wilson")
    assert row["rate"] == 602 / 10_085
    assert (row["low"], row["high"]) == pytest.approx((low, high), abs=1e-12)


@pytest.mark.parametrize(
    ("d0", "d1", "d2", "is_said"),
    [(500, 400, 500, True), (500, 401, 500, False), (499, 300, 500, False), (500, 500, 500, False)],
)
def test_loans_with_a_known_outcome_only_are_said(d0: int, d1: int, d2: int, is_said: bool) -> None:
    counts = {"D0": d0, "D1": d1, "D2": d2}
    rates = [{"definition": name, "grade": "all", "loans": n} for name, n in counts.items()]
    said = "100 loans are younger than their term and none is live"
    assert (said in (resolved_only(rates) or "")) == is_said
