"""A model that is not served: the pages that need it say why, and what was measured is shown."""

from pathlib import Path

import polars as pl
import pytest

from financial_pipeline.paths import Paths
from financial_pipeline.publishing import publication
from financial_pipeline_tests.dashboard import world
from financial_pipeline_tests.dashboard.app import metrics, open_page, words
from financial_pipeline_tests.dashboard.world_model import AS_OF, KEY, METRICS, TESTED

REFUSAL = "Column open_acc alone has an AUC of 0.950, so training is refused"
FLOOR = {"gate": "auc_floor", "value": 0.47, "limit": 0.55, "detail": "lower bound of the AUC"}
REFUSED = {"gate": "not_refused", "value": None, "limit": None, "detail": f"{REFUSAL}."}
NO_FIGURES = dict.fromkeys(METRICS, None) | {"n": 0, "defaults": 0, "reason": f"{REFUSAL}."}


def _publish(root: Path, gate: dict[str, object], figures: dict[str, object]) -> None:
    paths = Paths(root)
    world.put(paths, "ml/evaluation", pl.DataFrame([TESTED | figures]), AS_OF)
    world.put(paths, "ml/gates", pl.DataFrame([KEY | gate | {"passed": False}]), AS_OF)
    publication.publish(paths, ["test"], world.SIMULATED)


@pytest.mark.parametrize("page", ["model", "decide"])
def test_a_model_below_a_floor_is_named_with_its_figure(data_root: Path, page: str) -> None:
    _publish(data_root, FLOOR, METRICS)
    app = open_page(data_root, page)
    assert not app.exception
    assert "is not served: borrower only: lower bound of the AUC is 0.47, at least" in words(app)
    assert ("AUC (out of time)" in metrics(app)) == (page == "model")


@pytest.mark.parametrize("page", ["model", "decide"])
def test_a_refused_model_is_named_with_the_reason(data_root: Path, page: str) -> None:
    _publish(data_root, REFUSED, NO_FIGURES)
    app = open_page(data_root, page)
    assert not app.exception
    assert f"is not served: {REFUSAL}." in words(app)
    assert not app.metric
