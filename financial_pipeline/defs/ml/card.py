"""The model card of each cut-off, with the fairness screen."""

import json
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl

from financial_pipeline.defs.ml import tables
from financial_pipeline.defs.ml.evaluation import pointer, stored_models
from financial_pipeline.defs.ml.tables import Outcome, each_cutoff
from financial_pipeline.defs.resources import Pipeline
from financial_pipeline.files import replace_file
from financial_pipeline.ml import portfolio
from financial_pipeline.ml.fairness import screen
from financial_pipeline.ml.model_card import card_markdown, describe_model, model_card
from financial_pipeline.ml.train import DefaultModel
from financial_pipeline.publishing.publication import Publication
from financial_pipeline.raw import archive
from financial_pipeline.sources import lending_club

LIBRARIES = ("scikit-learn", "numpy", "polars", "skops")


def write_model_card(publication: Publication, cutoff: date, is_synthetic: bool) -> Outcome:
    """Summarise the other tables about one cut-off in a card, for people and programs."""
    artifact, models = stored_models(publication, cutoff)
    row = tables.read(publication, "default_model", cutoff).row(0, named=True)
    coefficients = tables.read(publication, "coefficients", cutoff).to_dicts()
    rows = _screen(publication, cutoff, models[portfolio.DECIDING]) if models else []
    economics = tables.read_if_there(publication, "threshold_summary", cutoff)
    served = pointer(publication).served
    facts = {
        "cutoff": cutoff.isoformat(),
        **row,
        "served": served.artifact if served else None,
        "is_synthetic": is_synthetic,
        "versions": {name: version(name) for name in LIBRARIES},
        "built_from": publication.content_hashes("ml/training_set"),
    }
    card = model_card(
        facts,
        {name: describe_model(model, coefficients) for name, model in models.items()},
        tables.read(publication, "evaluation", cutoff).to_dicts(),
        tables.read(publication, "gates", cutoff).to_dicts(),
        economics.filter(pl.col("segment") == portfolio.ALL).drop("segment", "level").to_dicts(),
        rows,
    )
    upstream = publication.content_hashes("ml/default_model", "ml/evaluation")
    texts = {"markdown": card_markdown(card), "json": json.dumps(card, indent=1, default=str)}
    written = [
        tables.write(publication, "model_card", cutoff, [texts], upstream),
        tables.write(publication, "fairness", cutoff, rows, upstream),
    ]
    place = _write_files(publication, cutoff, texts)
    return Outcome(written, {}, {"artifact": artifact or "none", "card": str(place)})


def _screen(publication: Publication, cutoff: date, model: DefaultModel) -> list[dict[str, Any]]:
    return screen(
        tables.read(publication, "training_set", cutoff),
        publication.scan(tables.APPLICATIONS),
        publication.scan(tables.LOANS),
        cutoff,
        model,
    )


def _write_files(publication: Publication, cutoff: date, texts: dict[str, str]) -> Path:
    """Write the card as files for people; the published table is the record."""
    folder = publication.paths.data_root / tables.LAYER / "model_cards"
    replace_file(folder / f"{cutoff.isoformat()}.json", texts["json"])
    place = folder / f"{cutoff.isoformat()}.md"
    replace_file(place, texts["markdown"])
    return place


@tables.model_asset(
    "model_card",
    ["ml/evaluation", "ml/threshold_table", "ml/default_model"],
    {"python", "markdown"},
)
def model_card_table(context: dg.AssetExecutionContext, pipeline: Pipeline) -> dg.MaterializeResult:
    """One card per cut-off, as Markdown and JSON.

    Purpose, evidence, gates, limits and the fairness screen. Coefficients have their units;
    simulated loans are labelled as such.
    """
    loans = archive.current_files(pipeline.paths, lending_club.DATASET)
    is_synthetic = any(file.is_synthetic for file in loans)

    def step(publication: Publication, cutoff: date) -> Outcome:
        return write_model_card(publication, cutoff, is_synthetic)

    return each_cutoff(context, step, pipeline.publication)
