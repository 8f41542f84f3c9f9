"""Fitting: the baseline logistic regression of methodology 1.7 and its boosted challenger.

No class weights: they would pull the mean probability away from the default rate. Seeds are
arguments, and input order is fixed by the cohort, so a repeat gives the same model.

The modules of this package import scikit-learn inside functions: every process that loads the asset
graph imports these modules, and few of them fit or apply a model.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from financial_pipeline.ml.features import FEATURE_SETS, FEATURES, ModelName, present_features
from financial_pipeline.ml.leak_alarm import check_whitelist

if TYPE_CHECKING:
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import Pipeline

Floats = NDArray[np.float64]
Target = NDArray[np.int8]

MIN_LEVEL_LOANS: Final = 50
MAX_ITERATIONS: Final = 2000
# Rows scored at a time, so that memory does not grow with the portfolio.
SCORING_BATCH: Final = 200_000


@dataclass(frozen=True)
class DefaultModel:
    """A fitted pipeline with a description of its training data."""

    name: str
    features: tuple[str, ...]
    pipeline: "Pipeline"
    training_loans: int
    training_defaults: int
    # Listed features without values in training, with the reason.
    absent: Mapping[str, str] = field(default_factory=dict)
    # Feature -> mean contribution to the log-odds over the training loans; what reasons refer to.
    average_log_odds: Mapping[str, float] = field(default_factory=dict)

    def predict(self, frame: pl.DataFrame) -> Floats:
        """Probability of default of each row of `build_features` output, as a fraction."""
        with threadpool_limits(limits=1):
            parts = [
                self.predict_design(self.design(part)) for part in frame.iter_slices(SCORING_BATCH)
            ]
        return np.concatenate(parts) if parts else np.empty(0)

    def design(self, frame: pl.DataFrame) -> Floats:
        """The prepared inputs of each row of `build_features` output."""
        return np.asarray(self.pipeline["prepare"].transform(frame.select(self.features)))

    def predict_design(self, design: Floats) -> Floats:
        """Probability of default of each row of a design."""
        return np.asarray(self.pipeline["fit"].predict_proba(design)[:, 1])


# Name of a model -> the fitted model.
Models = Mapping[str, DefaultModel]


def fit_model(
    name: ModelName, frame: pl.DataFrame, target: Target, features: Sequence[str] | None = None
) -> DefaultModel:
    """Fit one of the two baseline models on training rows.

    `frame` has one column per feature; `features` defaults to the model's own set. Raises
    LeakAlarm for a column off the whitelist and NotTrainable for an all-null required one.
    """
    wanted = FEATURE_SETS[name] if features is None else tuple(features)
    check_whitelist(wanted, FEATURE_SETS[name])
    used, absent = present_features(frame, wanted)
    # Created first: the limit applies only to libraries that are already loaded.
    unfitted = logistic_pipeline(used)
    # One thread: sums then have one order, and a busy machine does not stall the solver.
    with threadpool_limits(limits=1):
        pipeline = unfitted.fit(frame.select(used), target)
    return DefaultModel(name, used, pipeline, len(target), int(target.sum()), absent)


def fit_challenger(name: ModelName, frame: pl.DataFrame, target: Target, seed: int) -> DefaultModel:
    """Fit the gradient-boosted challenger on the features of one of the two models."""
    used, absent = present_features(frame, FEATURE_SETS[name])
    unfitted = boosted_pipeline(used, seed)
    with threadpool_limits(limits=1):
        pipeline = unfitted.fit(frame.select(used), target)
    return DefaultModel(f"{name}_boosted", used, pipeline, len(target), int(target.sum()), absent)


def logistic_pipeline(features: Sequence[str]) -> "Pipeline":
    """The unfitted pipeline of methodology 1.7 over a frame with these feature columns."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline

    fit = LogisticRegression(C=1.0, max_iter=MAX_ITERATIONS)
    return Pipeline([("prepare", _preparation(features)), ("fit", fit)])


def _preparation(features: Sequence[str]) -> "ColumnTransformer":
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import MissingIndicator, SimpleImputer
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    from financial_pipeline.ml.preparation import LevelCoder, QuantileClipper

    numeric, levels = _by_kind(features)
    numbers = Pipeline(
        [
            ("impute", SimpleImputer(strategy="median")),
            ("winsorise", QuantileClipper()),
            ("standardise", StandardScaler()),
        ]
    )
    encoder = OneHotEncoder(
        handle_unknown="ignore", min_frequency=MIN_LEVEL_LOANS, sparse_output=False
    )
    one_hot = Pipeline([("number", LevelCoder()), ("encode", encoder)])
    return ColumnTransformer(
        [
            ("number", numbers, numeric),
            ("missing", MissingIndicator(error_on_new=False), numeric),
            ("level", one_hot, levels),
        ],
        sparse_threshold=0,
    )


def boosted_pipeline(features: Sequence[str], seed: int) -> "Pipeline":
    """The unfitted challenger: shallow histogram boosting, levels as categories."""
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.pipeline import Pipeline

    from financial_pipeline.ml.preparation import LevelCoder

    numeric, levels = _by_kind(features)
    prepare = ColumnTransformer(
        [("number", "passthrough", numeric), ("level", LevelCoder(), levels)]
    )
    booster = HistGradientBoostingClassifier(
        learning_rate=0.06,
        max_iter=120,
        max_leaf_nodes=15,
        min_samples_leaf=100,
        l2_regularization=1.0,
        early_stopping=False,
        categorical_features=list(range(len(numeric), len(numeric) + len(levels))),
        random_state=seed,
    )
    return Pipeline([("prepare", prepare), ("fit", booster)])


def _by_kind(features: Sequence[str]) -> tuple[list[str], list[str]]:
    numeric = [name for name in features if FEATURES[name].is_numeric]
    return numeric, [name for name in features if not FEATURES[name].is_numeric]
