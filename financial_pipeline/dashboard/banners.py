"""The head of every page: its title, and banners about simulated and old data."""

from datetime import UTC, date, datetime
from typing import Final

import streamlit as st

from financial_pipeline.dashboard import elements
from financial_pipeline.dashboard.data import LOANS, MACRO, PRICES, Release, age_days
from financial_pipeline.dashboard.elements import format_count
from financial_pipeline.figures import default_rates, synthetic

# Source -> its name, and the age in days from which it is stale, given how often it arrives.
SOURCES: Final = {LOANS: ("loans", 62), PRICES: ("prices", 5), MACRO: ("macro series", 45)}
# Page -> its sources; a page that is not listed shows loans only.
SOURCES_OF: Final = {
    "market": (PRICES,),
    "macro": (MACRO, LOANS),
    "live": (),
    "health": tuple(SOURCES),
}
# Banners that a reader closed, by text: a banner whose text changes is shown again.
CLOSED: Final = "closed_banners"
# Streamlit leaves six lines free above the title, and cuts the labels of narrow cards.
STYLE: Final = """<style>
.stMainBlockContainer {padding-top: 3.6rem; padding-bottom: 3rem}
[data-testid=stMetricLabel] *, [data-testid=stMetricDelta] * {white-space: normal !important}
[data-testid=stMetricDelta] {flex-wrap: wrap; max-width: 100%}
:has(> [data-testid=stMetricDeltaDescription]) {flex-wrap: wrap}
[data-testid=stMetricDeltaDescription], [data-testid=stMetricDeltaDescription] * {
white-space: normal !important; overflow: visible !important; text-overflow: clip !important}
</style>"""


def header(release: Release, title: str) -> None:
    """Draw the title, the banner of simulated data, and a warning about old data of the page."""
    elements.begin()
    st.html(STYLE)
    st.title(title, anchor=False)
    notices = [_banner(words, icon) for words, icon in _warnings(release, title.lower())]
    minutes = int((datetime.now(UTC) - release.published_at).total_seconds() // 60)
    parts = [
        f"Published {release.published_at:%Y-%m-%d %H:%M} UTC ({_ago(minutes)})",
        f"version {release.manifest.version}",
        # A closed banner leaves its first words.
        *(notice for notice in notices if notice),
    ]
    st.caption(" · ".join(parts))


def _warnings(release: Release, page: str) -> list[tuple[str, str]]:
    """Return the words and the icon of each banner; the first sentence is the short form."""
    found = []
    world = release.manifest.world
    if release.is_synthetic:
        words = (
            f"**Simulated data**: {int(str(world['loans'])):,} loans drawn with seed"
            f" {world['seed']}; its clock is at {world['clock']}. No figure describes a real"
            " borrower or bank."
        )
        found.append((words, "science"))
    elif counts := release.synthetic_rows():
        words = (
            f"**{synthetic.sentence(counts)}** Figures computed from these rows describe no real"
            " borrower or bank."
        )
        found.append((words, "science"))
    if page not in SOURCES_OF and (note := _resolved_only(release)):
        found.append((f"**Resolved loans only**: {note}.", "filter_alt"))
    if old := _old(release, page):
        found.append((f"**Old data**: {old}. Today is {release.today}.", "schedule"))
    return found


def _resolved_only(release: Release) -> str | None:
    """Say so if the file has loans with a known outcome only."""
    if release.missing(default_rates.TABLE):
        return None
    return default_rates.resolved_only(
        release.rows(default_rates.COUNTS, default_rates.TABLE).to_dicts()
    )


def _old(release: Release, page: str) -> str:
    """Name the sources of a page that are older than their rhythm; empty if there are none."""
    ages = {
        key: age_days(release, key) or 0
        for key in SOURCES_OF.get(page, (LOANS,))
        if not release.missing(key)
    }
    return ", ".join(
        f"the newest {SOURCES[key][0]} are of {_day(release, key)}, {format_count(days, 'day')} ago"
        for key, days in ages.items()
        if days > SOURCES[key][1]
    )


def _day(release: Release, key: str) -> date:
    return date.fromisoformat(str(release.table(key).as_of)[:10])


def _banner(words: str, icon: str) -> str | None:
    """Draw a banner that a reader can close; return its first words if it was closed."""
    closed: set[str] = st.session_state.setdefault(CLOSED, set())
    if words in closed:
        return words.split("**")[1].rstrip(".")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.warning(words, icon=f":material/{icon}:")
        st.button(
            "Close",
            key=f"close_{icon}",
            on_click=closed.add,
            args=(words,),
            icon=":material/close:",
            type="tertiary",
        )
    return None


def _ago(minutes: int) -> str:
    if minutes < 60:
        return f"{minutes} min ago"
    return f"{minutes // 60} h ago" if minutes < 48 * 60 else f"{minutes // (24 * 60)} days ago"
