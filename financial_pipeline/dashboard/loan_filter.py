"""The filter of the Portfolio page: one bar for its tiles, kept in the address."""

from dataclasses import dataclass
from typing import Any, Final

import streamlit as st

from financial_pipeline.dashboard.data import Release

LOANS: Final = "exports/fct_loans"
GEOGRAPHY: Final = "exports/dim_geography"
PURPOSE: Final = "exports/dim_purpose"
RATES: Final = "metrics/default_rates_by_grade"
# The tables behind every choice of the bar.
TABLES: Final = (LOANS, GEOGRAPHY, PURPOSE)
ANY: Final = "any"
GRADES: Final = (ANY, "A", "B", "C", "D", "E", "F", "G")
TERMS: Final = (ANY, "36", "60")
CHOICES: Final = """
select distinct 'state' as kind, geography.state_code as choice
from marts.fct_loans as loan
inner join marts.dim_geography as geography using (geography_key)
union all
select distinct 'purpose' as kind, purpose.purpose as choice
from marts.fct_loans as loan
inner join marts.dim_purpose as purpose using (purpose_key)
union all
select distinct 'year' as kind, year(issue_month)::varchar as choice from marts.fct_loans
order by all
"""
YEARS: Final = """
select distinct year(issue_month)::varchar as choice
from metrics.default_rates_by_grade
order by choice
"""
# Loans of a selection; the values of a reader are bound.
FROM_LOANS: Final = """
from marts.fct_loans as loan
inner join marts.dim_geography as geography using (geography_key)
inner join marts.dim_purpose as purpose using (purpose_key)
where
    ($grade = 'any' or loan.grade = $grade)
    and ($term = 'any' or loan.term_months::varchar = $term)
    and ($purpose = 'any' or purpose.purpose = $purpose)
    and ($state = 'any' or geography.state_code = $state)
    and year(loan.issue_month) between $first and $last
"""


@dataclass(frozen=True)
class LoanFilter:
    """The reader's choice of loans: issue years, and a level or `any` of each other part."""

    first: int = 0
    last: int = 9999
    grade: str = ANY
    term: str = ANY
    purpose: str = ANY
    state: str = ANY
    is_whole: bool = True

    def cells(self) -> dict[str, Any]:
        """Return the values of the parts that tables by grade, term and vintage know."""
        names = ("first", "last", "grade", "term")
        return {name: getattr(self, name) for name in names}

    def values(self) -> dict[str, Any]:
        """Return the values of all parts, for FROM_LOANS."""
        return {**self.cells(), "purpose": self.purpose, "state": self.state}

    @property
    def needs_loans(self) -> bool:
        """True if only single loans know the choice."""
        return (self.purpose, self.state) != (ANY, ANY)

    def words(self) -> str:
        """Name the choice."""
        parts = [
            f"{name} {value.replace('_', ' ')}"
            for name, value in (("grade", self.grade), ("purpose", self.purpose))
            if value != ANY
        ]
        parts += [f"{self.term} months"] if self.term != ANY else []
        parts += [f"state {self.state}"] if self.state != ANY else []
        return ", ".join([*parts, f"issued {self.first} to {self.last}"])


def bar(release: Release) -> LoanFilter:
    """Draw the bar; a part without its table is left out."""
    choices = _choices(release)
    if not choices["year"]:
        return LoanFilter()
    years = choices["year"]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        first = _select("Issued from", years, "from", 0)
        last = _select("to", years, "to", len(years) - 1)
        grade = _select("Grade", GRADES, "grade")
        term = _select("Term, months", TERMS, "term")
        purpose, state = (
            _select(name.capitalize(), (ANY, *choices[name]), name, width=width)
            if choices[name]
            else ANY
            for name, width in (("purpose", 190), ("state", 110))
        )
        ends = (years[0], years[-1])
        st.button(
            "Reset", on_click=_reset, args=ends, icon=":material/filter_alt_off:", key="reset"
        )
    span = sorted((int(first), int(last)))
    is_whole = (first, last) == ends and {grade, term, purpose, state} == {ANY}
    return LoanFilter(span[0], span[1], grade, term, purpose, state, is_whole)


def _choices(release: Release) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {"state": [], "purpose": [], "year": []}
    if not release.missing(*TABLES):
        rows = release.rows(CHOICES, *TABLES).drop_nulls()
        return {kind: rows.filter(kind=kind)["choice"].to_list() for kind in found}
    if not release.missing(RATES):
        found["year"] = release.rows(YEARS, RATES)["choice"].to_list()
    return found


def _select(
    label: str, choices: list[str] | tuple[str, ...], key: str, index: int = 0, width: int = 110
) -> str:
    return st.selectbox(
        label,
        choices,
        index,
        format_func=lambda choice: choice.replace("_", " "),
        key=key,
        bind="query-params",
        width=width,
    )


def _reset(first: str, last: str) -> None:
    st.session_state.update({"from": first, "to": last})
    for key in ("grade", "term", "purpose", "state"):
        if key in st.session_state:
            st.session_state[key] = ANY
