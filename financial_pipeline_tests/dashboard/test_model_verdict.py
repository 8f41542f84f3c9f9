"""The Model page opens with a verdict, and names things in plain words."""

from pathlib import Path

import polars as pl
import pytest

from financial_pipeline.dashboard import model_verdict
from financial_pipeline.dashboard.model_labels import GATES, plain
from financial_pipeline.ml.gates import Candidate, run_gates
from financial_pipeline.paths import Paths
from financial_pipeline.publishing import publication
from financial_pipeline_tests.dashboard import world
from financial_pipeline_tests.dashboard.app import metrics, open_page, words
from financial_pipeline_tests.dashboard.world_model import AS_OF, METRICS, TESTED, gates


def test_served_model_is_said_to_be_served_with_its_gates_bias_and_drift(
    whole_world: Path,
) -> None:
    app = open_page(whole_world, "model")
    assert app.success[0].value == (
        "**The model of cut-off 2015-04-01 is served**: all 10 gates passed."
    )
    shown, said = metrics(app), words(app)
    assert shown["Gates passed"] == "10 of 10"
    # 120 bad of 1,000: Wilson 10.13% to 14.16% around a mean PD of 11%.
    assert shown["Calibration bias"] == "-1.00 pp"
    assert "95% -3.16 to +0.87 pp: within chance" in said
    assert shown["Drift of the score (PSI)"] == "0.040"
    assert "2015-09: 0.030, stable (n 200)" in said


@pytest.mark.parametrize(
    ("mean_pd", "bias", "side"), [(0.18, "+6.00 pp", "too high"), (0.08, "-4.00 pp", "too low")]
)
def test_a_bias_beyond_its_interval_fails_a_gate_and_is_named(
    data_root: Path, mean_pd: float, bias: str, side: str
) -> None:
    paths = Paths(data_root)
    measured = pl.DataFrame([TESTED | METRICS | {"mean_pd": mean_pd}])
    world.put(paths, "ml/evaluation", measured, AS_OF)
    world.put(paths, "ml/gates", gates(mean_pd=mean_pd), AS_OF)
    publication.publish(paths, ["test"], world.SIMULATED)
    app = open_page(data_root, "model")
    assert metrics(app)["Gates passed"] == "9 of 10"
    assert "failed: Calibration bias (borrower only)" in words(app)
    assert metrics(app)["Calibration bias"] == bias
    assert f"pp: {side}" in words(app)
    assert "No model is served." in words(app)
    assert not app.success


def test_every_pd_is_in_one_band_and_every_tested_loan_is_counted_once(whole_world: Path) -> None:
    app = open_page(whole_world, "model")
    best = world.thresholds()[1].row(0, named=True)
    low, high = f"{best['band_low']:.1%}", f"{best['band_high']:.1%}"
    said = words(app)
    assert f"Approve below a PD of {low}, review from {low} to below {high}" in said
    assert f"decline from {high}" in said
    table = next(one.value for one in app.dataframe if "pd_below" in one.value)
    assert list(table["band"]) == ["approve", "review", "decline"]
    assert list(table["pd_from"])[1:] == list(table["pd_below"])[:-1]
    assert table["loans"].sum() == 1000
    assert table["defaults"].sum() == best["defaults"]


def test_without_a_review_band_the_sentence_leaves_no_hole() -> None:
    assert model_verdict.words(0.2, 0.2) == (
        "approve below a PD of 20.0%, decline from 20.0%; nobody is for review"
    )


def test_every_gate_and_feature_has_a_label(whole_world: Path) -> None:
    candidate = Candidate("borrower_only", *(None,) * 10)  # type: ignore[arg-type]
    assert {result.gate for result in run_gates(candidate)} == set(GATES)
    assert plain("ln_annual_inc") == "Income"
    app = open_page(whole_world, "model")
    assert "PD, borrower only" in app.selectbox(key="variable").options
    codes = {"borrower_only", "out_of_time", "auc_floor", "addr_state", "pd_borrower_only"}
    cells = {cell for one in app.dataframe for cell in one.value.astype(str).to_numpy().ravel()}
    assert codes & cells == set()
