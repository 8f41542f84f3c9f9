"""The report for a committee: portfolio, market and model of one published version, as HTML.

Every figure is made by the function that the page of the dashboard uses.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from typing import Final

import polars as pl

from financial_pipeline.dashboard import (
    chosen_loans,
    credit_figures,
    elements,
    model_verdict,
    trend,
)
from financial_pipeline.dashboard import market_figures as market
from financial_pipeline.dashboard import model_evidence as evidence
from financial_pipeline.dashboard import portfolio_figures as portfolio
from financial_pipeline.dashboard.data import Release
from financial_pipeline.dashboard.model_labels import in_plain_words, plain
from financial_pipeline.dashboard.model_parts import SEGMENT_ROWS, SEGMENTS
from financial_pipeline.dashboard.report_parts import bars, cards, lines, page, table, text
from financial_pipeline.figures import synthetic

TITLE: Final = "Loans, banks and the default model"
# Sessions of the chart of returns: five years.
SESSIONS: Final = 1260
MOST_POINTS: Final = 500


@dataclass(frozen=True)
class Block:
    """One part of the report: the tables that it reads, and how it is drawn."""

    title: str
    tables: tuple[str, ...]
    draw: Callable[[Release], list[str]]
    note: str = ""


def build(release: Release) -> str:
    """Return the report over one release as one HTML document, which makes no request."""
    parts = [f"<h1>{TITLE}</h1>", *_origin(release)]
    for section, blocks in SECTIONS.items():
        parts.append(f"<h2>{section}</h2>")
        for block in blocks:
            parts += [f"<h3>{block.title}</h3>", *_draw_block(release, block)]
    return page(f"{TITLE}, version {release.manifest.version}", parts)


def _origin(release: Release) -> list[str]:
    parts = [
        text(
            f"Published version `{release.manifest.version}` of"
            f" {release.published_at:%Y-%m-%d %H:%M} UTC. Written"
            f" {datetime.now(UTC):%Y-%m-%d %H:%M} UTC. Day of the data: {release.today}."
        )
    ]
    if release.is_synthetic:
        seed = release.manifest.world["seed"]
        words = f"**Simulated data** (seed {seed}): no figure describes a real borrower or bank."
        parts.append(text(words, "banner"))
    elif counts := release.synthetic_rows():
        parts.append(text(f"**{synthetic.sentence(counts)}**", "banner"))
    return parts


def _draw_block(release: Release, block: Block) -> list[str]:
    """Draw a block with its source, or the reason why it is absent."""
    gap = elements.explain_absent(release, *block.tables) or elements.without_rows(
        release, *block.tables
    )
    if gap:
        return [text(gap, "absent")]
    source = elements.source_words(release, *block.tables, note=block.note)
    return [*block.draw(release), text(source, "source")]


def _headline(release: Release) -> list[str]:
    sentence = trend.headline(release) or "No rate of matured loans is known yet."
    return [text(sentence), cards(portfolio.kpi_cards(release))]


def _grades(release: Release) -> list[str]:
    rates = chosen_loans.rates_by_grade(release)
    matured = rates.filter(definition="D1")
    if matured.is_empty():
        return [text("No loan has matured, so D1 is not known.", "absent"), table(rates)]
    return [bars(matured, "grade", "rate", "Default rate (D1) by grade"), table(rates)]


def _losses(release: Release) -> list[str]:
    found = chosen_loans.WHOLE.rows(release, credit_figures.LOSSES)
    if found.is_empty():
        return [text("No bad loan has an exposure at default.", "absent")]
    rows = credit_figures.losses(found)
    title = "Loss given default by issue year"
    return [bars(rows, "vintage", "loss_given_default_share", title), table(rows)]


def _rolls(release: Release) -> list[str]:
    newest = release.rows(credit_figures.ROLL_MONTHS, credit_figures.TRANSITIONS).row(0, named=True)
    values = {"month": newest["snapshot_month"], "source": newest["source"]}
    cells = release.rows(credit_figures.MATRIX, credit_figures.TRANSITIONS, **values)
    named = cells.with_columns(pl.col("from_state", "to_state").replace(credit_figures.STATES))
    words = f"From {newest['snapshot_month']:%Y-%m} to the month after."
    return [text(words), table(named.sort("from_state", "probability", descending=[False, True]))]


def _banks(release: Release) -> list[str]:
    parts = []
    for bank in release.rows(market.SYMBOLS, market.PRICES)["symbol"].to_list():
        found = market.bank_cards(release, bank)
        missing = text(market.not_measured(bank), "absent")
        parts += [f"<h4>{escape(bank)}</h4>", cards(found) if found else missing]
        if words := market.coverage_words(release, bank):
            parts.append(text(f"Breaches of value at risk. {words}"))
    return parts


def _returns(release: Release) -> list[str]:
    sessions = release.rows(market.SESSIONS, market.PRICES)["session_date"].tail(SESSIONS)
    rows = release.rows(market.PRICE_ROWS, market.PRICES, first=sessions[0])
    step = -(-len(sessions) // MOST_POINTS)
    series = {
        str(symbol): [
            (float(day.toordinal()), value)
            for day, value in part.select("session_date", "cumulative_return").rows()[::step]
        ]
        for (symbol,), part in rows.partition_by("symbol", as_dict=True).items()
    }
    title = f"Cumulative return from {sessions[0]} to {sessions[-1]}"
    parts = [text(f"{title}, on adjusted closes."), lines(series, title, ".0%")]
    if not release.missing(market.VOLATILITY) and (
        words := market.note_words(release, sessions[0], list(series))
    ):
        parts.append(text(words))
    return parts


def _cutoff(release: Release) -> object:
    return release.rows(evidence.CUTOFFS, evidence.EVALUATION)["training_cutoff"][0]


def _verdict(release: Release) -> list[str]:
    cutoff = _cutoff(release)
    _, words = model_verdict.verdict(release, cutoff)
    gates = release.rows(evidence.GATE_ROWS, evidence.GATES, cutoff=cutoff)
    found = model_verdict.cards(release, cutoff)
    return [text(words), *([cards(found)] if found else []), table(in_plain_words(gates))]


def _ranking(release: Release) -> list[str]:
    cutoff, parts = _cutoff(release), []
    rows = release.rows(evidence.EVALUATIONS, evidence.EVALUATION, cutoff=cutoff)
    for row in rows.filter(evaluation=evidence.OUT_OF_TIME).to_dicts():
        parts.append(f"<h4>Model: {plain(row['model'])}</h4>")
        reason = row["reason"] or "it was not measured"
        parts.append(
            text(f"No figures: {reason}", "absent")
            if row["auc"] is None
            else cards(evidence.cards(row, cutoff))
        )
    return parts


def _calibration(release: Release) -> list[str]:
    values = {"cutoff": _cutoff(release), "model": evidence.DECIDING}
    return [table(release.rows(evidence.CALIBRATION, evidence.BINS, **values))]


def _segments(release: Release) -> list[str]:
    values = {"cutoff": _cutoff(release), "model": evidence.DECIDING}
    return [table(in_plain_words(release.rows(SEGMENT_ROWS, SEGMENTS, **values)))]


def _bands(release: Release) -> list[str]:
    found = model_verdict.band_outcomes(release)
    if found is None:
        return [text("The deciding model has no thresholds.", "absent")]
    return [text(found[0]), table(found[1])]


RISK: Final = (market.PRICES, market.VOLATILITY, market.SHARPE, market.RISK)
SECTIONS: Final[dict[str, tuple[Block, ...]]] = {
    "Portfolio": (
        Block("How the book stands", (portfolio.SUMMARY,), _headline, "95% Wilson intervals."),
        Block("Default rate by grade", (credit_figures.RATES,), _grades, "95% Wilson intervals."),
        Block("Roll rates", (credit_figures.TRANSITIONS,), _rolls, "95% Wilson intervals."),
        Block("Loss given default", (credit_figures.LOANS,), _losses, "Recoveries may still come."),
    ),
    "Market": (
        Block("Returns", (market.PRICES,), _returns),
        Block("Risk of each bank", RISK, _banks),
    ),
    "Model": (
        Block("Verdict", (evidence.EVALUATION, evidence.GATES), _verdict, model_verdict.OF_WHOM),
        Block("Ranking", (evidence.EVALUATION,), _ranking, "Loans issued after the cut-off."),
        Block("Calibration", (evidence.EVALUATION, evidence.BINS), _calibration, "95% Wilson."),
        Block("Groups of loans", (evidence.EVALUATION, SEGMENTS), _segments, "95% DeLong."),
        Block("Decision bands", model_verdict.BAND_TABLES, _bands, model_verdict.BANDS_OF),
    ),
}
