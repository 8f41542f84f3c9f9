"""Health: freshness of the data, results of runs and checks, accounting of every line."""

import altair as alt
import polars as pl
import streamlit as st

from financial_pipeline.dashboard import (
    charts,
    drawing,
    elements,
    exports,
    line_figures,
    restatements,
)
from financial_pipeline.dashboard import health_figures as figures
from financial_pipeline.dashboard.data import Release, current


def _freshness(release: Release) -> None:
    st.header("Freshness", anchor=False)
    if elements.present(release, figures.FRESHNESS):
        rows = release.rows(figures.STATES, figures.FRESHNESS)
        shown = rows.with_columns(pl.col("state").replace(figures.MARKS))
        elements.table(shown, "freshness", height=280)
        elements.source(release, figures.FRESHNESS, note=f"By the world clock, {release.today}.")


def _runs(release: Release) -> None:
    st.header("Last runs", anchor=False)
    if not elements.present(release, figures.RUNS):
        return
    runs = release.rows(figures.LAST_RUNS, figures.RUNS)
    if runs.is_empty():
        elements.absent("No run has ended yet.")
        return
    base = f"{figures.dagster_address()}/runs/"
    linked = runs.with_columns(run_id=pl.lit(base) + pl.col("run_id"))
    link = st.column_config.LinkColumn("In Dagster", display_text="open")
    elements.table(linked, "runs", height=280, links={"run_id": link})
    elements.source(release, figures.RUNS, note="The last 200, newest first.")


def _checks(release: Release) -> None:
    st.header("Checks", anchor=False)
    if not elements.present(release, figures.CHECKS):
        return
    newest = figures.checks(release)
    if newest.is_empty():
        elements.absent("No check was evaluated yet.")
        return
    only = st.toggle("Only failing ones", key="failing", bind="query-params")
    shown = newest.filter(~pl.col("passed")) if only else newest
    if shown.is_empty():
        st.success("Every check passes.", icon=":material/check_circle:")
    else:
        elements.table(shown, "checks", height=320)
    history = release.rows(figures.CHECK_HISTORY, figures.CHECKS)
    st.markdown("**History**: results by hour")
    drawing.chart(_history, charts.thin(history))
    elements.source(release, figures.CHECKS)


def _history(rows: pl.DataFrame) -> alt.Chart:
    return (
        alt.Chart(rows)
        .mark_bar()
        .encode(
            x=alt.X("yearmonthdatehours(hour):T", title=None, axis=alt.Axis(format="%d %b %H:%M")),
            y=alt.Y("checks:Q", title=None),
            color=alt.Color(
                "result:N",
                scale=alt.Scale(domain=["passed", "failed"], range=[charts.BLUE, charts.ORANGE]),
                legend=charts.legend(),
            ),
            tooltip=[alt.Tooltip("hour:T", format="%Y-%m-%d %H:%M"), "result", "checks"],
        )
        .properties(height=charts.HEIGHT - 100)
    )


def _lines(release: Release) -> None:
    st.header("Row accounting and quarantine", anchor=False)
    if elements.has_rows(release, line_figures.ACCOUNTING):
        st.caption(
            "Physical lines = staged + quarantined + outside the period + not data, for every"
            " file. The reasons name the lines that are not staged."
        )
        elements.table(line_figures.accounting(release), "row_accounting", height=320)
        elements.source(release, line_figures.ACCOUNTING)
        lines = line_figures.quarantined_lines(release)
        if lines.height:
            st.markdown("**Quarantined lines**, with the start of their text")
            elements.table(lines, "quarantined_lines")


def _tables(release: Release) -> None:
    st.header("Published tables", anchor=False)
    tables = figures.published_tables(release)
    link = st.column_config.LinkColumn("Asset (in Dagster)", display_text=r"/assets/(.+)$")
    elements.table(tables, "published_tables", height=420, links={"asset": link})
    st.caption(f"Source: the manifest of version {release.manifest.version}.")


def show(release: Release) -> None:
    """Draw the page."""
    elements.cards(figures.cards(release))
    _freshness(release)
    _runs(release)
    _checks(release)
    _lines(release)
    restatements.loans(release)
    _tables(release)
    exports.any_table(release)


show(current())
