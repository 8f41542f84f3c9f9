"""The published tables of the model (layer `ml`): grain, keys and types.

Every table starts with `training_cutoff`, its partition. Rates, probabilities and thresholds are
fractions, money is dollars.
"""

from typing import Final

import polars as pl

from financial_pipeline.schemas.contract import Table

# The partition of every table: the first column, which `columns` leaves out.
CUTOFF: Final = "training_cutoff"
Columns = dict[str, pl.DataType]


def _of(dtype: pl.DataType, *names: str) -> Columns:
    return dict.fromkeys(names, dtype)


TEXT, INTEGER, REAL, FLAG, DAY = pl.String(), pl.Int64(), pl.Float64(), pl.Boolean(), pl.Date()
TRIAL: Final = _of(TEXT, "model", "evaluation")
METRICS: Final[Columns] = {
    **_of(INTEGER, "n", "defaults"),
    **_of(REAL, "default_rate", "mean_pd", "auc", "auc_low", "auc_high", "gini", "ks"),
    **_of(REAL, "average_precision", "brier", "brier_skill", "log_loss"),
    **_of(REAL, "calibration_intercept", "calibration_slope", "ece"),
    **_of(REAL, "hosmer_lemeshow", "hosmer_lemeshow_p"),
    # Why the figures are null; null where they are not.
    **_of(TEXT, "reason"),
}


def _model(
    name: str,
    grain: str,
    keys: tuple[str, ...],
    columns: Columns,
    written_by: str | None = None,
) -> Table[pl.DataType]:
    return Table(
        layer="ml",
        name=name,
        grain=grain,
        keys=(CUTOFF, *keys),
        columns=columns,
        partition=CUTOFF,
        # The order of the training rows decides what a seed draws.
        order=None,
        written_by=written_by,
    )


MODEL_TABLES: Final[dict[str, Table[pl.DataType]]] = {
    table.name: table
    for table in (
        _model(
            "training_set",
            "One row per matured loan (D1) issued before the end of the test window; features as "
            "known at origination, and whether the loan trains or tests.",
            ("loan_key",),
            # The features between are those of the whitelist.
            {**_of(TEXT, "split"), **_of(INTEGER, "loan_key"), **_of(DAY, "issue_month")},
        ),
        _model(
            "default_model",
            "One row per cut-off: the artifact trained there, or the reason why there is none.",
            (),
            {
                **_of(TEXT, "artifact", "reason"),
                **_of(INTEGER, "training_loans", "training_defaults", "seed"),
                **_of(TEXT, "feature_list_sha256", "git_sha"),
            },
        ),
        _model(
            "coefficients",
            "One row per model and coefficient, per standard deviation and per raw unit.",
            ("model", "feature", "term"),
            {
                **_of(TEXT, "model", "feature", "term", "unit"),
                **_of(REAL, "coefficient", "per_unit"),
            },
            written_by="default_model",
        ),
        _model(
            "scorecard_points",
            "One row per bin of the scorecard.",
            ("feature", "bin"),
            {
                **_of(TEXT, "feature"),
                **_of(INTEGER, "bin"),
                **_of(TEXT, "label"),
                **_of(INTEGER, "loans", "defaults"),
                **_of(REAL, "woe", "points", "information_value"),
            },
            written_by="default_model",
        ),
        _model(
            "evaluation",
            "One row per model and evaluation.",
            ("model", "evaluation"),
            {**TRIAL, **_of(TEXT, "label"), **METRICS, **_of(REAL, "matured_share")},
        ),
        _model(
            "evaluation_bins",
            "One row per calibration bin of the out-of-time evaluations, with a Wilson interval.",
            ("model", "evaluation", "bin"),
            {
                **TRIAL,
                **_of(INTEGER, "bin", "loans", "defaults"),
                **_of(REAL, "mean_pd", "default_rate", "low", "high"),
            },
            written_by="evaluation",
        ),
        _model(
            "evaluation_curves",
            "One row per point of the ROC curve of the out-of-time evaluations.",
            ("model", "evaluation", "false_positive_rate", "true_positive_rate"),
            {**TRIAL, **_of(REAL, "threshold", "true_positive_rate", "false_positive_rate")},
            written_by="evaluation",
        ),
        _model(
            "evaluation_segments",
            "One row per grade, term and vintage of the out-of-time evaluations.",
            ("model", "evaluation", "segment", "level"),
            {**TRIAL, **_of(TEXT, "segment", "level"), **METRICS},
            written_by="evaluation",
        ),
        _model(
            "gates",
            "One row per gate and model.",
            ("gate", "model"),
            {
                **_of(TEXT, "gate", "model"),
                **_of(FLAG, "passed"),
                **_of(REAL, "value", "limit"),
                **_of(TEXT, "detail"),
            },
            written_by="evaluation",
        ),
        _model(
            "scores",
            "One row per loan, matured or not: probabilities, points and reason codes.",
            ("loan_key",),
            {
                **_of(INTEGER, "loan_key"),
                **_of(DAY, "issue_month"),
                **_of(REAL, "pd_borrower_only", "pd_platform_informed", "pd_scorecard"),
                **_of(REAL, "score", "scorecard_points"),
                **{
                    name: dtype
                    for rank in range(1, 5)
                    for name, dtype in ((f"reason_{rank}", TEXT), (f"points_lost_{rank}", REAL))
                },
            },
        ),
        _model(
            "drift",
            "One row per issue month from the cut-off on and variable: PSI against the training"
            " loans.",
            ("month", "variable"),
            {
                **_of(DAY, "month"),
                **_of(TEXT, "variable"),
                **_of(REAL, "psi", "critical_value"),
                **_of(INTEGER, "development_loans", "loans"),
                **_of(TEXT, "verdict"),
            },
        ),
        _model(
            "threshold_table",
            "One row per model, segment level and threshold 0.000 ... 1.000: decline if PD >= it.",
            ("model", "segment", "level", "threshold"),
            {
                **_of(TEXT, "model", "segment", "level"),
                **_of(REAL, "threshold"),
                **_of(INTEGER, "tp", "fp", "tn", "fn", "approved"),
                **_of(REAL, "approval_rate", "bad_rate_approved", "bads_caught", "goods_declined"),
                **_of(REAL, "precision", "f1", "funded_approved_usd"),
                **_of(REAL, "profit_realised_usd", "profit_expected_usd"),
            },
        ),
        _model(
            "threshold_summary",
            "One row per model and segment level: best threshold, its 1% band, bootstrap"
            " intervals.",
            ("model", "segment", "level"),
            {
                **_of(TEXT, "model", "segment", "level"),
                **_of(INTEGER, "loans", "defaults"),
                **_of(
                    REAL, "gain", "loss", "break_even_pd", "best_threshold", "band_low", "band_high"
                ),
                **_of(REAL, "best_threshold_low", "best_threshold_high", "best_profit_usd"),
                **_of(REAL, "best_profit_low_usd", "best_profit_high_usd"),
            },
            written_by="threshold_table",
        ),
        _model(
            "fairness",
            "One row per proxy and level: a screen, not a compliance finding.",
            ("proxy", "level"),
            {
                **_of(TEXT, "proxy", "level"),
                **_of(INTEGER, "n"),
                **_of(
                    REAL, "approval_rate", "approval_ratio", "bads_caught_gap", "calibration_gap"
                ),
                **_of(FLAG, "needs_a_look"),
            },
            written_by="model_card",
        ),
        _model(
            "model_card",
            "One row per cut-off: the card as Markdown and as JSON.",
            (),
            _of(TEXT, "markdown", "json"),
        ),
        _model(
            "spark_agreement",
            "One row: Spark's logistic regression of the deciding model against scikit-learn's.",
            ("model",),
            {
                **_of(TEXT, "model"),
                **_of(INTEGER, "loans"),
                **_of(REAL, "auc", "auc_spark", "auc_difference", "rank_correlation"),
                **_of(FLAG, "agrees"),
                **_of(TEXT, "reason"),
            },
        ),
    )
}
