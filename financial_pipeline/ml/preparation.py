"""The two steps of the pipeline that scikit-learn lacks: winsorising, and fast coding of levels.

Artifacts name these classes, and loading one runs this code, never code from the file.
"""

from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin

Floats = NDArray[np.float64]

WINSORISED_SHARE: Final = 0.005
# The code of a level that training did not see; later steps ignore it.
UNSEEN: Final = -1


class QuantileClipper(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Winsorise: cut each column at the 0.5% and 99.5% quantiles of the training data."""

    def fit(self, X: Floats, y: object = None) -> "QuantileClipper":
        """Learn the quantiles (linear interpolation) of an array without missing values."""
        self.low_, self.high_ = np.quantile(X, [WINSORISED_SHARE, 1 - WINSORISED_SHARE], axis=0)
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X: Floats) -> Floats:
        """Clip an array of the same columns."""
        return np.clip(X, self.low_, self.high_)


class LevelCoder(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Number the text levels of each column in sorted order; the encoder after it is then fast.

    scikit-learn counts text one Python object at a time: 5 of 9 seconds on 700,000 loans.
    """

    def fit(self, X: pl.DataFrame, y: object = None) -> "LevelCoder":
        """Learn the levels of a frame of text columns without nulls."""
        self.levels_ = [X[name].unique().sort().to_list() for name in X.columns]
        self.n_features_in_ = X.width
        return self

    def transform(self, X: pl.DataFrame) -> NDArray[np.int64]:
        """Codes from 0 in the order of the levels, -1 for a level not seen in training."""
        coded = [
            X[name].replace_strict(
                {level: code for code, level in enumerate(levels)},
                default=UNSEEN,
                return_dtype=pl.Int64,
            )
            for name, levels in zip(X.columns, self.levels_, strict=True)
        ]
        return np.column_stack([column.to_numpy() for column in coded])
