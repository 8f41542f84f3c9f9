"""The model assets on a made-up book: what they publish, and what a bad candidate leaves alone."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from financial_pipeline.defs.ml import evaluation, tables
from financial_pipeline.ml import gates
from financial_pipeline.paths import Paths
from financial_pipeline.publishing.manifest import read_manifest
from financial_pipeline.publishing.publication import Publication
from financial_pipeline.schemas.model import MODEL_TABLES
from financial_pipeline_tests.defs.ml.conftest import publish_book, run_model
from financial_pipeline_tests.ml.loans import CUTOFF, Book, make_book

FirstRun = tuple[Paths, dict[str, tables.Outcome]]


def test_a_good_candidate_is_published_whole_and_every_check_passes(first_run: FirstRun) -> None:
    paths, outcomes = first_run
    assert all(all(outcome.checks.values()) for outcome in outcomes.values())
    manifest = read_manifest(paths)
    names = {key.removeprefix("ml/") for key in manifest.tables if key.startswith("ml/")}
    assert names == set(MODEL_TABLES) - {"spark_agreement"}
    served = evaluation.pointer(Publication(paths, "test")).served
    assert served is not None
    assert served.artifact == outcomes["default_model"].facts["artifact"]


def test_each_asset_writes_the_tables_that_the_contract_gives_it(first_run: FirstRun) -> None:
    _, outcomes = first_run
    for asset, outcome in outcomes.items():
        written = {table.name for table in outcome.tables}
        given = {n for n, table in MODEL_TABLES.items() if asset == (table.written_by or n)}
        assert written == given


def test_tables_hold_what_the_contract_says(first_run: FirstRun, book: Book) -> None:
    paths, _ = first_run
    for name, contract in MODEL_TABLES.items():
        if name == "spark_agreement":
            continue
        frame = tables.read(Publication(paths, "test"), name, CUTOFF)
        assert frame.height > 0, name
        assert {column: frame.schema[column] for column in contract.columns} == contract.columns
        keys = [key for key in contract.keys if key != tables.CUTOFF]
        if keys:
            assert frame.select(keys).is_unique().all(), name
    assert tables.read(Publication(paths, "test"), "scores", CUTOFF).height == book.loans.height


def test_a_second_run_gives_the_same_content_and_serves_the_same(paths: Paths) -> None:
    first, pointer = (
        read_manifest(paths).tables,
        evaluation.pointer(Publication(paths, "test")),
    )
    run_model(paths)
    second = read_manifest(paths).tables
    hashes = [{key: table.content_hash for key, table in t.items()} for t in (first, second)]
    assert hashes[0] == hashes[1]
    assert evaluation.pointer(Publication(paths, "test")) == pointer
    assert first["ml/scores"].folder != second["ml/scores"].folder


def _without_defaults(book: Book) -> Book:
    return replace(book, loans=book.loans.with_columns(default_d1=pl.lit(0, pl.Int16)))


def _with_an_empty_column(book: Book) -> Book:
    empty = pl.lit(None, pl.Float64).alias("dti_effective")
    return replace(book, applications=book.applications.with_columns(empty))


def _with_few_matured_loans(book: Book) -> Book:
    young = pl.when(pl.col("loan_key") <= 450).then("default_d1")
    return replace(book, loans=book.loans.with_columns(default_d1=young))


def _without_matured_loans(book: Book) -> Book:
    unknown = {"default_d1": pl.lit(None, pl.Int16), "is_matured": pl.lit(False)}
    return replace(book, loans=book.loans.with_columns(**unknown))


def _with_defaults_only(book: Book) -> Book:
    return replace(book, loans=book.loans.with_columns(default_d1=pl.lit(1, pl.Int16)))


@pytest.mark.parametrize(
    ("spoil", "word"),
    [
        (_without_matured_loans, "0 matured training loans"),
        (_with_defaults_only, "both classes"),
        (_without_defaults, "both classes"),
        (_with_an_empty_column, "dti_effective"),
        (_with_few_matured_loans, "450 matured training loans"),
    ],
)
def test_an_untrainable_book_has_null_metrics_with_the_reason_and_serves_as_before(
    paths: Paths, book: Book, spoil: Callable[[Book], Book], word: str
) -> None:
    before = read_manifest(paths).tables["ml/scores"]
    served = evaluation.pointer(Publication(paths, "test"))
    publish_book(paths, spoil(book))
    outcomes = run_model(paths)
    rows = tables.read(Publication(paths, "test"), "evaluation", CUTOFF)
    assert rows["auc"].null_count() == rows.height
    assert rows["reason"].str.contains(word).any()
    assert not outcomes["evaluation"].checks["gates_pass"]
    assert evaluation.pointer(Publication(paths, "test")) == served
    assert read_manifest(paths).tables["ml/scores"] == before


def test_a_leaking_column_stops_the_model_and_everything_else_is_published(
    paths: Paths, book: Book
) -> None:
    served = evaluation.pointer(Publication(paths, "test"))
    leak = book.outcomes["total_rec_prncp"] * 3 + 1
    leaky = replace(book, applications=book.applications.with_columns(dti_effective=leak))
    outcomes = book.outcomes.with_columns(total_rec_prncp=leak)
    positive = leaky.applications.with_columns((pl.col("dti_effective") + 20).clip(0, 100))
    publish_book(paths, Book(positive, book.loans, outcomes))
    found = run_model(paths)
    assert not found["default_model"].checks["no_column_knows_the_outcome"]
    assert not found["default_model"].is_blocking
    reasons = [
        *tables.read(Publication(paths, "test"), "default_model", CUTOFF)["reason"],
        *tables.read(Publication(paths, "test"), "evaluation", CUTOFF)["reason"],
    ]
    assert len(reasons) == 12
    assert all("Column dti " in reason for reason in reasons)
    assert evaluation.pointer(Publication(paths, "test")) == served


def test_shuffled_outcomes_pass_no_floor_and_serve_nothing(tmp_path: Path, book: Book) -> None:
    paths = Paths(tmp_path)
    shuffled = book.loans["default_d1"].shuffle(seed=1)
    publish_book(paths, replace(book, loans=book.loans.with_columns(default_d1=shuffled)))
    found = run_model(paths)
    assert "auc_floor (borrower_only)" in found["evaluation"].facts["failed_gates"]
    assert "calibration_slope (platform_informed)" in found["evaluation"].facts["failed_gates"]
    assert evaluation.pointer(Publication(paths, "test")).served is None
    assert not read_manifest(paths).tables.keys() & {"ml/scores", "ml/threshold_table", "ml/drift"}


@pytest.mark.parametrize(
    "gate", ["calibration_gap", "score_psi", "auc_against_challenger", "auc_against_previous"]
)
def test_a_tripped_gate_withholds_scores_and_the_pointer_stays(
    paths: Paths, monkeypatch: pytest.MonkeyPatch, gate: str
) -> None:
    manifest, served = (
        read_manifest(paths),
        evaluation.pointer(Publication(paths, "test")),
    )
    publish_book(paths, make_book(seed=8, borrower_effect=2))
    monkeypatch.setitem(gates.GATES, gate, replace(gates.GATES[gate], limit=-1.0))
    outcomes = run_model(paths)
    assert outcomes["evaluation"].checks == {"gates_pass": False}
    assert "withheld" in outcomes["scores"].facts
    assert evaluation.pointer(Publication(paths, "test")) == served
    for name in ("scores", "drift", "threshold_table"):
        now = read_manifest(paths).tables[f"ml/{name}"]
        assert now == manifest.tables[f"ml/{name}"]


def test_a_smaller_book_trips_the_row_gate(paths: Paths) -> None:
    served = evaluation.pointer(Publication(paths, "test"))
    publish_book(paths, make_book(size=2000, borrower_effect=2))
    outcomes = run_model(paths)
    assert "training_rows" in str(outcomes["evaluation"].facts["failed_gates"])
    assert evaluation.pointer(Publication(paths, "test")) == served


def test_the_card_says_what_the_tables_say(first_run: FirstRun) -> None:
    paths, _ = first_run
    row = tables.read(Publication(paths, "test"), "model_card", CUTOFF).row(0, named=True)
    content = json.loads(row["json"])
    assert set(content["models"]) == {"borrower_only", "platform_informed"}
    assert (
        content["evaluations"][0]["auc"]
        == tables.read(Publication(paths, "test"), "evaluation", CUTOFF)["auc"][0]
    )
    assert "SIMULATED LOANS" in row["markdown"]
    assert "screen, not a compliance finding" in row["markdown"]
    assert (paths.data_root / "ml" / "model_cards" / "2011-01-01.md").read_text() == row["markdown"]
