"""Default rates over all vintages, from the counts in `metrics/default_rates_by_grade`."""

from collections.abc import Container, Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

from financial_pipeline.ml.calibration import wilson_interval
from financial_pipeline.schemas.loan_rules import MANY_YOUNG

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
LOANS: Final = "exports/fct_loans"
# The same counts for a version without metrics.
COUNTS_OF_LOANS: Final = """
with flags as (
    unpivot (
        select
            grade,
            default_d0::integer as D0,
            default_d1::integer as D1,
            default_d2::integer as D2,
            default_d3_12::integer as D3_12,
            default_d3_24::integer as D3_24
        from marts.fct_loans
        where credit_policy_met
    ) on D0, D1, D2, D3_12, D3_24 into name definition value is_default
)
select
    definition,
    coalesce(grade, 'all') as grade,
    count(*)::bigint as loans,
    sum(is_default)::bigint as defaults
from flags
group by grouping sets ((definition, grade), (definition))
order by definition, grade
"""
FILTERED: Final = (
    "{:,} loans are younger than their term and none is live: the file has resolved loans only,"
    " and D2, D3 and the vintage curves are not those of the whole book"
)
# A page asks for the same few counts at each rerun.
_interval = lru_cache(maxsize=1024)(wilson_interval)


def counts(published: Container[str]) -> tuple[set[str], str]:
    """Return the table of the counts, given the published tables, and the query over it."""
    return ({TABLE}, COUNTS) if TABLE in published else ({LOANS}, COUNTS_OF_LOANS)


def default_rates(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Add `rate` and its 95% Wilson interval, `low` to `high`, to each pair of counts."""
    rated = []
    for row in rows:
        low, high = _interval(row["defaults"], row["loans"]) or (None, None)
        rated.append({**row, "rate": row["defaults"] / row["loans"], "low": low, "high": high})
    return rated


def resolved_only(rates: Iterable[Mapping[str, Any]]) -> str | None:
    """Return a sentence if the loans were filtered by their outcome, from rates of all grades.

    D0 knows the resolved loans, D1 the resolved ones whose term has passed, and D2 all.
    """
    loans = {row["definition"]: row["loans"] for row in rates if row["grade"] == "all"}
    young = loans.get("D2", 0) - loans.get("D1", 0)
    is_filtered = loans.get("D0", 0) == loans.get("D2", 0) and young >= MANY_YOUNG
    return FILTERED.format(young) if is_filtered else None
