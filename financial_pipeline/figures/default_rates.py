"""Default rates over all vintages, from the counts in `metrics/default_rates_by_grade`."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

from financial_pipeline.ml.calibration import wilson_interval

TABLE: Final = "metrics/default_rates_by_grade"
# Loans with a known outcome and the defaults among them, by grade and of all grades.
COUNTS: Final = """
select
    definition,
    coalesce(grade, 'all') as grade,
    sum(loans)::bigint as loans,
    sum(defaults)::bigint as defaults
from metrics.default_rates_by_grade
group by grouping sets ((definition, grade), (definition))
having sum(loans) > 0
order by definition, grade
"""
# A page asks for the same few counts at each rerun.
_interval = lru_cache(maxsize=1024)(wilson_interval)


def default_rates(counts: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Add `rate` and its 95 % Wilson interval, `low` to `high`, to each pair of counts."""
    rated = []
    for row in counts:
        low, high = _interval(row["defaults"], row["loans"]) or (None, None)
        rated.append({**row, "rate": row["defaults"] / row["loans"], "low": low, "high": high})
    return rated
