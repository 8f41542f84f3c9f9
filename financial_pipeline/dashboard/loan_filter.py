"""The filter of loans: one bar for the tiles of a page, kept in the address."""

from dataclasses import dataclass
from typing import Any, Final

import polars as pl
import streamlit as st

from financial_pipeline.dashboard import elements
from financial_pipeline.dashboard.data import Release
from financial_pipeline.dashboard.table_columns import in_words
from financial_pipeline.dashboard.widgets import amount, choose, with_spaces

LOANS: Final = "exports/fct_loans"
GEOGRAPHY: Final = "exports/dim_geography"
PURPOSE: Final = "exports/dim_purpose"
PROFILE: Final = "exports/dim_borrower_profile"
RATES: Final = "metrics/default_rates_by_grade"
CURVES: Final = "metrics/vintage_curves"
# The tables behind every choice of the bar.
TABLES: Final = (LOANS, GEOGRAPHY, PURPOSE, PROFILE)
ANY: Final = "any"
GRADES: Final = (ANY, "A", "B", "C", "D", "E", "F", "G")
TERMS: Final = (ANY, "36", "60")
# Width of the boxes of years, grade and term, pixels.
WIDTH: Final = 110
# Filters that need the rows of single loans, and the width of their boxes.
OF_LOANS: Final = {"purpose": 190, "state": 110, "fico": 120, "application": 130}
JOINED: Final = """
from marts.fct_loans as loan
inner join marts.dim_geography as geography using (geography_key)
inner join marts.dim_purpose as purpose using (purpose_key)
inner join marts.dim_borrower_profile as profile using (borrower_profile_key)
"""
CHOICES: Final = f"""
select
    geography.state_code as state,
    purpose.purpose,
    profile.fico_band as fico,
    profile.application_type_band as application,
    year(loan.issue_month)::varchar as year
{JOINED}
group by grouping sets (1, 2, 3, 4, 5)
order by state, purpose, starts_with(fico, '<') desc, fico, application, year
"""
YEARS: Final = """
select distinct year(issue_month)::varchar as choice
from metrics.default_rates_by_grade
order by choice
"""
VINTAGES: Final = """
select
    vintage_quarter,
    year(vintage_quarter) as issue_year,
    year(vintage_quarter) || ' Q' || quarter(vintage_quarter) as vintage,
    months_on_book,
    loans,
    cumulative_defaults,
    default_rate,
    default_rate_low,
    default_rate_high
from metrics.vintage_curves
where grade = $grade and term_months = $term and loans >= $smallest
order by vintage_quarter, months_on_book
"""
# Loans of a selection; the values of a reader are bound.
OF_CELLS: Final = """
    ($grade = 'any' or loan.grade = $grade)
    and ($term = 'any' or loan.term_months::varchar = $term)
    and year(loan.issue_month) between $first and $last
"""
FROM_LOANS: Final = f"""
{JOINED}
where
    {OF_CELLS}
    and ($purpose = 'any' or purpose.purpose = $purpose)
    and ($state = 'any' or geography.state_code = $state)
    and ($fico = 'any' or profile.fico_band = $fico)
    and ($application = 'any' or profile.application_type_band = $application)
"""
# The same without the parts that are in the dimensions.
FROM_FACTS: Final = f"from marts.fct_loans as loan where {OF_CELLS}"


@dataclass(frozen=True)
class LoanFilter:
    """The reader's choice of loans: issue years, and a level or `any` of each other part."""

    first: int = 0
    last: int = 9999
    grade: str = ANY
    term: str = ANY
    purpose: str = ANY
    state: str = ANY
    fico: str = ANY
    application: str = ANY
    is_whole: bool = True
    # False if there is no loan to choose from.
    is_offered: bool = True

    def cells(self) -> dict[str, Any]:
        """Return the values of the parts that tables by grade, term and vintage know."""
        names = ("first", "last", "grade", "term")
        return {name: getattr(self, name) for name in names}

    def values(self) -> dict[str, Any]:
        """Return the values of all parts, for FROM_LOANS."""
        return {**self.cells(), **{name: getattr(self, name) for name in OF_LOANS}}

    @property
    def needs_loans(self) -> bool:
        """True if only single loans know the choice."""
        return any(getattr(self, name) != ANY for name in OF_LOANS)

    def rows(self, release: Release, query: str, **values: Any) -> pl.DataFrame:
        """Answer a query over the chosen loans, whose `{chosen}` is their FROM and WHERE."""
        if self.needs_loans:
            return release.rows(query.format(chosen=FROM_LOANS), *TABLES, **self.values(), **values)
        return release.rows(query.format(chosen=FROM_FACTS), LOANS, **self.cells(), **values)

    def years(self) -> str:
        """Name the chosen issue years, if a reader chose some: ` of 2014 to 2015`."""
        return "" if self.is_whole else f" of {self._span()}"

    def _span(self) -> str:
        return " to ".join(dict.fromkeys((str(self.first), str(self.last))))

    def words(self) -> str:
        """Name the choice."""
        named = {
            "grade {}": self.grade,
            "purpose {}": with_spaces(self.purpose),
            "{} months": self.term,
            "state {}": self.state,
            "FICO {}": self.fico,
            "application {}": self.application,
        }
        parts = [form.format(value) for form, value in named.items() if value != ANY]
        return ", ".join([*parts, f"issued {self._span()}"])


def bar(release: Release) -> LoanFilter:
    """Draw the bar under its heading; a part without its table is left out."""
    st.header("Choose loans", anchor=False)
    elements.present(release, *TABLES)
    choices = _choices(release)
    if not choices["year"]:
        return LoanFilter(is_offered=False)
    years = choices["year"]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        first = choose("Issued from", years, "from", WIDTH)
        last = choose("to", years, "to", WIDTH, first=years[-1])
        grade = choose("Grade", GRADES, "grade", WIDTH)
        term = choose("Term, months", TERMS, "term", WIDTH)
        parts: dict[str, Any] = {
            name: choose(in_words(name), (ANY, *choices[name]), name, width, form=with_spaces)
            for name, width in OF_LOANS.items()
            if choices[name]
        }
        ends = (years[0], years[-1])
        st.button(
            "Reset", on_click=_reset, args=ends, icon=":material/filter_alt_off:", key="reset"
        )
    span = sorted((int(first), int(last)))
    is_whole = (first, last) == ends and {grade, term, *parts.values()} == {ANY}
    return LoanFilter(span[0], span[1], grade, term, **parts, is_whole=is_whole)


def vintages(release: Release, chosen: LoanFilter) -> pl.DataFrame | None:
    """Draw the choices of vintage curves, and return the chosen ones; None and why if none is."""
    if not elements.has_rows(release, CURVES):
        return None
    with st.container(horizontal=True, vertical_alignment="bottom"):
        term = chosen.term
        if term == ANY:
            term = choose("Curves of term, months", TERMS[1:], "curve_term", 180)
        least = int(amount("Minimum number of loans", "curve_min", 1, 100_000, 50, width=180))
    if chosen.needs_loans:
        st.caption(
            "Curves are published by grade and term; purpose, state, FICO and application do not"
            " apply here."
        )
    grade = "all" if chosen.grade == ANY else chosen.grade
    rows = release.rows(VINTAGES, CURVES, grade=grade, term=int(term), smallest=least)
    curves = rows.filter(pl.col("issue_year").is_between(chosen.first, chosen.last))
    if curves.is_empty():
        of_grade = "" if chosen.grade == ANY else f" of grade {grade}"
        loans = elements.format_count(least, "loan")
        elements.empty(
            f"No vintage{chosen.years()} over {term} months has {loans}{of_grade} or more."
        )
        return None
    return curves


def _choices(release: Release) -> dict[str, list[str]]:
    if not release.missing(*TABLES):
        rows = release.rows(CHOICES, *TABLES)
        return {name: rows[name].drop_nulls().to_list() for name in rows.columns}
    years = [] if release.missing(RATES) else release.rows(YEARS, RATES)["choice"].to_list()
    return {"year": years} | {name: [] for name in OF_LOANS}


def _reset(first: str, last: str) -> None:
    st.session_state.update({"from": first, "to": last})
    for key in ("grade", "term", *OF_LOANS):
        if key in st.session_state:
            st.session_state[key] = ANY
