"""The verdict on a model: whether it is served and why, its gates, bias, drift and bands."""

from typing import Any, Final

import polars as pl
import streamlit as st

from financial_pipeline.dashboard import elements, thresholds
from financial_pipeline.dashboard import model_evidence as evidence
from financial_pipeline.dashboard.data import Release
from financial_pipeline.dashboard.elements import NOTHING, Card, percent
from financial_pipeline.dashboard.model_labels import plain
from financial_pipeline.figures.default_rates import default_rates
from financial_pipeline.ml.gates import MAX_SCORE_PSI

MEASURED: Final = """
select n, defaults, mean_pd, default_rate
from ml.evaluation
where training_cutoff = $cutoff and model = $model and evaluation = 'out_of_time'
    and mean_pd is not null
"""
NEWEST_DRIFT: Final = """
select month, psi, critical_value, loans, verdict
from ml.drift
where training_cutoff = $cutoff and variable = $variable and psi is not null
order by month desc
limit 1
"""
# Loans below a threshold: the approved ones, and the bad ones among them.
BELOW: Final = """
select threshold, approved as loans, fn as defaults
from ml.threshold_table
where
    model = $model and segment = 'all'
    and training_cutoff = (select max(training_cutoff) from ml.threshold_summary)
order by threshold
"""
BAND_TABLES: Final = (thresholds.TABLE, thresholds.SUMMARY)
BANDS_OF: Final = "Loans issued after the cut-off, 95% Wilson intervals."
OF_WHOM: Final = "Of the model that decides, borrower only."
NONE_SERVED: Final = "No model is served."


def show(release: Release, cutoff: object) -> None:
    """Draw the verdict on the model of a cut-off: one sentence, and the figures behind it."""
    is_served, words = verdict(release, cutoff)
    if is_served:
        st.success(words, icon=":material/check_circle:")
    else:
        st.warning(words, icon=":material/block:")
    if found := cards(release, cutoff):
        elements.cards(found)
        keys = (evidence.EVALUATION, evidence.GATES, evidence.DRIFT)
        shown = [key for key in keys if not release.missing(key)]
        elements.source(release, *shown, note=OF_WHOM)


def verdict(release: Release, cutoff: object) -> tuple[bool, str]:
    """Return whether the model of a cut-off is served, and why, in words."""
    served, reason = evidence.served_model(release), evidence.withheld(release, cutoff)
    rest = f"The model of cut-off {served['cutoff']} is served." if served else NONE_SERVED
    if reason:
        return False, f"{reason} {rest}"
    if served is None or str(served["cutoff"]) != str(cutoff):
        return False, f"The model of cut-off {cutoff} is not served. {rest}"
    gates = _gates(release, cutoff)
    why = "" if gates is None else f": all {gates.height:,} gates passed"
    return True, f"**The model of cut-off {cutoff} is served**{why}."


def cards(release: Release, cutoff: object) -> list[Card]:
    """Make the cards of gates, bias and drift; none if the deciding model was not measured."""
    found = release.rows(MEASURED, evidence.EVALUATION, cutoff=cutoff, model=evidence.DECIDING)
    if found.is_empty():
        return []
    gates = _gates(release, cutoff)
    bias = _bias(found.row(0, named=True))
    return [*_gate_cards(gates), bias, *_drift(release, cutoff, gates)]


def _gates(release: Release, cutoff: object) -> pl.DataFrame | None:
    if release.missing(evidence.GATES):
        return None
    rows = release.rows(evidence.GATE_ROWS, evidence.GATES, cutoff=cutoff)
    return rows if rows.height else None


def _gate_cards(gates: pl.DataFrame | None) -> list[Card]:
    if gates is None:
        return []
    failed = gates.filter(~pl.col("passed"))
    names = [f"{plain(row['gate'])} ({plain(row['model'])})" for row in failed.to_dicts()]
    return [
        Card(
            "Gates passed",
            f"{gates.height - failed.height:,} of {gates.height:,}",
            f"failed: {'; '.join(names)}" if names else "none failed",
            "Every gate must pass before a model is served; both models of the artifact count.",
        )
    ]


def _bias(row: dict[str, Any]) -> Card:
    rate = default_rates([{"loans": row["n"], "defaults": row["defaults"]}])[0]
    bias = (row["mean_pd"] - row["default_rate"]) * 100
    low, high = ((row["mean_pd"] - rate[bound]) * 100 for bound in ("high", "low"))
    side = "too high" if low > 0 else "too low" if high < 0 else "within chance"
    return Card(
        "Calibration bias",
        f"{bias:+.2f} pp",
        f"95% {low:+.2f} to {high:+.2f} pp: {side} · mean PD {percent(row['mean_pd'], 2)} against"
        f" {percent(row['default_rate'], 2)} · n {row['n']:,}",
        "Mean PD less the default rate of the loans issued after the cut-off, with the Wilson"
        " interval of that rate.",
    )


def _drift(release: Release, cutoff: object, gates: pl.DataFrame | None) -> list[Card]:
    gate = None
    if gates is not None:
        found = gates.filter(gate="score_psi", model=evidence.DECIDING)
        gate = found["value"][0] if found.height else None
    note = "no month was measured"
    if not release.missing(evidence.DRIFT):
        values = {"cutoff": cutoff, "variable": f"pd_{evidence.DECIDING}"}
        months = release.rows(NEWEST_DRIFT, evidence.DRIFT, **values)
        if months.height:
            last = months.row(0, named=True)
            note = (
                f"{last['month']:%Y-%m}: {last['psi']:.3f}, {last['verdict']} (n {last['loans']:,})"
            )
    return [
        Card(
            "Drift of the score (PSI)",
            NOTHING if gate is None else f"{gate:.3f}",
            f"at most {MAX_SCORE_PSI:g} · {note}",
            "Population stability index of the score: loans issued after the cut-off against the"
            " training loans; below it the newest month.",
        )
    ]


def words(low: float, high: float) -> str:
    """Name the three bands of a PD: every PD is in exactly one of them."""
    if low >= high:
        return f"approve below a PD of {low:.1%}, decline from {high:.1%}; nobody is for review"
    return (
        f"approve below a PD of {low:.1%}, review from {low:.1%} to below {high:.1%}, decline from"
        f" {high:.1%}"
    )


def bands(release: Release) -> None:
    """Draw the decision bands with the outcomes of the tested loans in each."""
    st.header("Decision bands", anchor=False)
    if not elements.has_rows(release, *BAND_TABLES):
        return
    found = band_outcomes(release)
    if found is None:
        elements.absent("The deciding model has no thresholds.")
        return
    sentence, rows = found
    st.markdown(sentence)
    elements.table(rows, "decision_bands")
    elements.source(release, *BAND_TABLES, note=BANDS_OF)


def band_outcomes(release: Release) -> tuple[str, pl.DataFrame] | None:
    """Return the bands of the deciding model in words, and one row per band."""
    summaries = release.rows(thresholds.SUMMARIES, thresholds.SUMMARY)
    found = summaries.filter(model=evidence.DECIDING, segment="all")
    if found.is_empty():
        return None
    summary = found.row(0, named=True)
    below = release.rows(BELOW, *BAND_TABLES, model=evidence.DECIDING)
    low, high = summary["band_low"], summary["band_high"]
    sentence = words(low, high)
    earned = f"Thresholds from {low:.1%} to {high:.1%} earn within 1% of the best profit."
    rows = pl.DataFrame(_outcomes(summary, below))
    return f"{sentence[:1].upper()}{sentence[1:]}. {earned}", rows


def _outcomes(summary: dict[str, Any], below: pl.DataFrame) -> list[dict[str, Any]]:
    """Return the tested loans and the bad ones of each band that is not empty, with the rate."""
    edges = (0.0, summary["band_low"], summary["band_high"], 1.0)
    counts = [{"loans": 0, "defaults": 0}]
    for edge in edges[1:3]:
        nearest = below.sort((pl.col("threshold") - edge).abs()).row(0, named=True)
        counts.append({name: nearest[name] for name in ("loans", "defaults")})
    counts.append({name: summary[name] for name in ("loans", "defaults")})
    rows = []
    for band, name in enumerate(("approve", "review", "decline")):
        inside = {key: counts[band + 1][key] - counts[band][key] for key in ("loans", "defaults")}
        if inside["loans"]:
            label = {"band": name, "pd_from": edges[band], "pd_below": edges[band + 1]}
            rows.append({**label, "share": inside["loans"] / summary["loans"], **inside})
    return default_rates(rows)
