"""Evaluations: figures where they can be had, else null with the reason."""

from dataclasses import fields

import numpy as np
import polars as pl
import pytest

from financial_pipeline.ml.evaluate import measure, roc_rows, segment_rows

TARGET = np.array([0, 1] * 100, dtype=np.int8)
PD = np.linspace(0.05, 0.4, 200)


def test_measure_fills_every_figure() -> None:
    found = measure(TARGET, PD)
    unknown = [field.name for field in fields(found) if getattr(found, field.name) is None]
    assert unknown == ["reason"]
    assert found.gini == pytest.approx(2 * found.auc - 1)
    assert (found.n, found.defaults, found.default_rate) == (200, 100, 0.5)


@pytest.mark.parametrize("target", [np.zeros(200), np.ones(200), np.array([0, 1])])
def test_measure_is_null_with_a_reason_without_classes_or_loans(target: np.ndarray) -> None:
    found = measure(target, PD[: len(target)])
    assert found.auc is None
    assert found.brier is None
    assert f"{len(target)} test loans" in str(found.reason)


def test_segment_rows_cover_every_level_once_and_small_ones_have_reasons() -> None:
    segments = pl.DataFrame({"grade": ["A"] * 180 + ["B"] * 20, "term": [36, 60] * 100})
    rows = segment_rows(TARGET, PD, segments, model="m", evaluation="e")
    assert [(row["segment"], row["level"], row["n"]) for row in rows] == [
        ("grade", "A", 180),
        ("grade", "B", 20),
        ("term", "36", 100),
        ("term", "60", 100),
    ]
    assert rows[1]["auc"] is None
    assert rows[1]["reason"]


def test_roc_rows_keep_both_ends_and_stay_few() -> None:
    rng = np.random.default_rng(1)
    rows = roc_rows((rng.random(5_000) < 0.2).astype(int), rng.random(5_000), model="m")
    assert len(rows) <= 200
    ends = [(row["false_positive_rate"], row["true_positive_rate"]) for row in (rows[0], rows[-1])]
    assert ends == [(0, 0), (1, 1)]
    assert rows[0]["threshold"] is None
