"""Default rates of the figures come from the counts of the metrics."""

import pytest
from statsmodels.stats.proportion import proportion_confint

from financial_pipeline.figures.default_rates import default_rates


def test_rate_and_interval_follow_from_the_counts() -> None:
    (row,) = default_rates([{"definition": "D1", "grade": "A", "loans": 10_085, "defaults": 602}])
    low, high = proportion_confint(602, 10_085, method="wilson")
    assert row["rate"] == 602 / 10_085
    assert (row["low"], row["high"]) == pytest.approx((low, high), abs=1e-12)
