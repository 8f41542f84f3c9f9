"""Into and out of the book, on the Credit page: applications, early arrears, losses."""

from typing import Final

import altair as alt
import polars as pl
import streamlit as st

from financial_pipeline.dashboard import charts, drawing, elements
from financial_pipeline.dashboard import credit_figures as figures
from financial_pipeline.dashboard.data import Release
from financial_pipeline.dashboard.loan_filter import LoanFilter
from financial_pipeline.dashboard.widgets import choose

NEEDS_REJECTIONS: Final = "the rejected applications: drop rejected_2007_to_2018Q4.csv"


def approvals(release: Release) -> None:
    """Draw the funnel of a year's applications, the approval rate, and the rejected ones."""
    st.header("Approvals", anchor=False)
    if not elements.has_rows(release, figures.SUMMARY, figures.RATES, figures.REJECTIONS):
        return
    months = release.rows(figures.APPROVALS, figures.SUMMARY)
    if months.is_empty():
        elements.needs(release, "The approval rate", NEEDS_REJECTIONS, figures.REJECTIONS)
        return
    matured = release.rows(figures.MATURED, figures.RATES)
    years = months["month"].dt.year().cast(pl.String).unique().sort(descending=True).to_list()
    known = {str(month.year) for month in matured.filter(pl.col("matured") > 0)["month"]}
    newest = next((year for year in years if year in known), None)
    left, right = st.columns(2, gap="medium")
    with left:
        year = choose("Applications of", years, "applied", 150, first=newest)
        stages = figures.funnel(months, matured, year)
        drawing.chart(_funnel, stages)
    with right:
        st.markdown("**Approval rate** by month, with 95% Wilson intervals")
        drawing.chart(charts.band, months, "month", "approval_rate")
    elements.source(
        release,
        figures.SUMMARY,
        figures.RATES,
        note="Months with rejections on file. Matured and paid: D1, loans within the policy.",
    )
    elements.rows_behind(stages, "approval_funnel")
    rejected = release.rows(figures.REJECTED, figures.REJECTIONS)
    elements.rows_behind(rejected, "rejections", "Who was turned away, by year")
    elements.source(release, figures.REJECTIONS, note="The file gives no reason for a rejection.")


def _funnel(stages: pl.DataFrame) -> alt.Chart:
    # The words are labels of the axis, whose colour is readable on light and dark pages.
    words = [
        f"{row['stage']} {row['loans']:,}" + (f" ({row['rate']:.1%})" if number else "")
        for number, row in enumerate(stages.to_dicts())
    ]
    return (
        alt.Chart(stages.with_columns(words=pl.Series(words, dtype=pl.String)))
        .mark_bar(color=charts.BLUE)
        .encode(
            y=alt.Y("words:N", sort=None, title=None, axis=alt.Axis(labelLimit=240)),
            x=alt.X(
                "loans:Q",
                title="Loans, and their share of the stage before",
                axis=alt.Axis(format=",d", tickCount=5),
            ),
            tooltip=[
                "stage",
                *charts.tips(",d", "loans"),
                *charts.tips(".2%", "rate", "low", "high"),
            ],
        )
        .properties(height=charts.HEIGHT - 80)
    )


def arrears(release: Release, chosen: LoanFilter) -> None:
    """Draw the share of young loans that are late or bad in the newest snapshot."""
    st.header("Early arrears", anchor=False)
    if not elements.has_rows(release, figures.LOANS):
        return
    rows = chosen.rows(release, figures.ARREARS, months=figures.YOUNG_MONTHS)
    if rows.is_empty():
        which = "loan" if chosen.is_whole else "chosen loan"
        elements.absent(
            f"No {which} was issued in the {figures.YOUNG_MONTHS} months before the newest"
            " snapshot."
        )
        return
    late = pl.sum_horizontal("late_16_to_30", "late_31_to_120", "bad").alias("in_arrears")
    found = figures.with_rates(rows.with_columns(late), "in_arrears", "loans")
    st.markdown("**More than 15 days late, or bad**, among the loans of each issue month")
    drawing.chart(_arrears, found)
    elements.source(
        release,
        figures.LOANS,
        note=f"Loans issued up to {figures.YOUNG_MONTHS} months before the newest snapshot; the"
        " youngest have had no time to be late. 95% Wilson intervals.",
    )
    elements.rows_behind(found, "early_arrears")


def _arrears(rows: pl.DataFrame) -> charts.Layers:
    tips = ["issued", "loans", "late_16_to_30", "late_31_to_120", "bad"]
    return _bars(rows, charts.level_axis("issued", "Issued"), "rate", tips, charts.ORANGE)


def _bars(rows: pl.DataFrame, x: alt.X, rate: str, tips: list[str], colour: str) -> charts.Layers:
    base = alt.Chart(rows).encode(x=x, tooltip=[*tips, *charts.tips(".2%", rate, "low", "high")])
    bars = base.mark_bar(color=colour).encode(
        y=alt.Y(f"{rate}:Q", title=None, axis=alt.Axis(format="~%"))
    )
    whiskers = base.mark_rule(color=charts.GREY, strokeWidth=2).encode(
        y=alt.Y("low:Q", title=None), y2="high:Q"
    )
    return (bars + whiskers).properties(height=charts.HEIGHT - 60)


def losses(release: Release, chosen: LoanFilter) -> None:
    """Draw the loss given default and the recovery rate by issue year."""
    st.header("Loss given default and recovery", anchor=False)
    if not elements.has_rows(release, figures.LOANS):
        return
    found = chosen.rows(release, figures.LOSSES)
    if found.is_empty():
        which = "bad loan" if chosen.is_whole else "bad loan among the chosen ones"
        elements.absent(f"No {which} has an exposure at default.")
        return
    rows = figures.losses(found)
    st.markdown("**LGD on EAD** by issue year, dollar-weighted, with 95% intervals")
    drawing.chart(_losses, rows)
    elements.source(
        release,
        figures.LOANS,
        note="Bad loans within the credit policy. Recoveries of young vintages are still to come,"
        " so their LGD will fall. The recovery rate is after the collection fee.",
    )
    elements.rows_behind(rows, "loss_given_default")


def _losses(rows: pl.DataFrame) -> charts.Layers:
    tips = ["vintage", "loans"]
    axis = charts.level_axis("vintage", "Issue year")
    return _bars(rows, axis, "loss_given_default_share", tips, charts.BLUE)
