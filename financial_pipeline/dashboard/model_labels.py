"""Plain labels of models, evaluations, gates and features, for tables and choices of a page."""

from typing import Final

import polars as pl

from financial_pipeline.ml.features import FEATURES
from financial_pipeline.ml.gates import REFUSAL

GATES: Final = {
    "calibration_gap": "Calibration bias",
    "score_psi": "Drift of the score (PSI)",
    "auc_against_challenger": "AUC against the boosted challenger",
    "auc_against_previous": "AUC against the served model",
    "training_rows": "Training loans against the served model",
    "auc_floor": "AUC above chance",
    "calibration_slope": "Calibration slope",
    "test_events": "Test loans of the rarer outcome",
    "training_events": "Training loans of the rarer outcome per feature",
    REFUSAL: "Measured, and without a leak",
}
WORDS: Final = {
    **GATES,
    **{name: feature.reason or "Interest rate" for name, feature in FEATURES.items()},
    "pd_borrower_only": "PD, borrower only",
    "pd_platform_informed": "PD, platform informed",
    "pd_scorecard": "PD, scorecard",
    "addr_state": "State",
}
# Columns that contain such names.
CODED: Final = ("gate", "model", "evaluation", "variable", "feature", "proxy", "segment")


def plain(name: str) -> str:
    """Return the label of a code: its entry above, else its words."""
    return WORDS.get(name, name.replace("_", " "))


def in_plain_words(frame: pl.DataFrame) -> pl.DataFrame:
    """Replace the codes of a frame's columns by their labels."""
    coded = frame.select(name for name in CODED if name in frame.columns)
    return frame.with_columns(
        pl.Series(column.name, [code and plain(code) for code in column], pl.String)
        for column in coded
    )
