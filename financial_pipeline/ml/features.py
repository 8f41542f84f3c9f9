"""The features of the default model: the inputs of each, its unit, and the whitelist.

A feature enters only by being listed here. Whatever else a table contains, new columns included, is
never picked up. Feature names and cleaning follow methodology 1.5 to 1.7.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import polars as pl

from financial_pipeline.errors import PipelineError

MAX_DTI_PERCENT: Final = 100
MAX_REVOLVING_UTILISATION_PERCENT: Final = 150

ModelName = Literal["borrower_only", "platform_informed"]


@dataclass(frozen=True)
class Feature:
    """One input of the model: a column of `fct_loan_applications`, and its use as SQL."""

    name: str
    is_numeric: bool
    column: str
    # What one step of the raw value means, for the coefficient table.
    unit: str
    # The wording of a reason code (Reg B 1002.9); empty if it must never be given as a reason.
    reason: str
    # The feature in SQL that both DuckDB and Polars read; the column itself where empty.
    expression: str = ""
    # An optional feature may be wholly absent (FICO before the 151-column file).
    is_optional: bool = False

    @property
    def sql(self) -> str:
        """The expression over `fct_loan_applications`."""
        return self.expression or self.column


FEATURES: Final[dict[str, Feature]] = {
    feature.name: feature
    for feature in (
        Feature("loan_amnt", True, "loan_amnt", "dollar", "Amount requested"),
        Feature("term", False, "term", "months", "Length of the loan", "cast(term as varchar)"),
        Feature(
            "ln_annual_inc",
            True,
            "income_effective",
            "natural log of a dollar a year",
            "Income",
            "case when income_effective > 0 then ln(income_effective) end",
        ),
        Feature(
            "dti",
            True,
            "dti_effective",
            "percentage point",
            "Debt payments relative to income",
            f"case when dti_effective between 0 and {MAX_DTI_PERCENT} then dti_effective end",
        ),
        Feature(
            "emp_length", True, "emp_length", "year (10 = ten or more)", "Length of employment"
        ),
        Feature("inq_last_6mths", True, "inq_last_6mths", "inquiry", "Recent credit inquiries"),
        Feature(
            "revol_util",
            True,
            "revol_util",
            "percentage point",
            "Use of revolving credit lines",
            f"case when revol_util > {MAX_REVOLVING_UTILISATION_PERCENT} "
            f"then {MAX_REVOLVING_UTILISATION_PERCENT} else revol_util end",
        ),
        Feature("delinq_2yrs", True, "delinq_2yrs", "delinquency", "Recent delinquencies"),
        Feature("open_acc", True, "open_acc", "account", "Number of open accounts"),
        Feature("pub_rec", True, "pub_rec", "record", "Derogatory public records"),
        Feature(
            "home_ownership",
            False,
            "home_ownership",
            "level",
            "Housing situation",
            "case when home_ownership is null or home_ownership in ('MORTGAGE', 'OWN', 'RENT') "
            "then home_ownership else 'OTHER' end",
        ),
        Feature("purpose", False, "purpose", "level", "Purpose of the loan"),
        Feature(
            "verification_status",
            False,
            "verification_status",
            "level",
            "Verification of income",
        ),
        Feature("fico_midpoint", True, "fico_midpoint", "point", "Credit score", is_optional=True),
        Feature("int_rate", True, "int_rate", "1.00 (a rate of 100%)", ""),
    )
}
PLATFORM_FEATURES: Final = frozenset({"int_rate"})
FEATURE_SETS: Final[dict[ModelName, tuple[str, ...]]] = {
    "borrower_only": tuple(name for name in FEATURES if name not in PLATFORM_FEATURES),
    "platform_informed": tuple(FEATURES),
}
MISSING_LEVEL: Final = "MISSING"


class NotTrainable(PipelineError):
    """The training loans cannot carry a model; the reason is the message."""


def feature_list_hash() -> str:
    """Return the SHA-256 of the features of both models."""
    return hashlib.sha256(json.dumps(FEATURE_SETS, sort_keys=True).encode()).hexdigest()


def build_features(applications: pl.LazyFrame) -> pl.LazyFrame:
    """One row per loan: `loan_key`, `issue_month` and every listed feature, nothing else.

    `applications` is `fct_loan_applications`: rates are fractions, dti and revol_util per cent,
    emp_length and term integers. Numeric features are Float64 with null for unknown; categorical
    ones are strings, "MISSING" where unknown.
    """
    features = map(_typed, FEATURES.values())
    return applications.select("loan_key", "issue_month", *features)


def _typed(feature: Feature) -> pl.Expr:
    expression = pl.sql_expr(feature.sql)
    if feature.is_numeric:
        return expression.cast(pl.Float64).alias(feature.name)
    return expression.cast(pl.String).fill_null(MISSING_LEVEL).alias(feature.name)


def present_features(
    frame: pl.DataFrame, names: Sequence[str]
) -> tuple[tuple[str, ...], dict[str, str]]:
    """Split the names into those with values in `frame` and the absent ones with the reason.

    Only an optional feature may be absent; for any other an all-null column raises NotTrainable.
    """
    used: list[str] = []
    absent: dict[str, str] = {}
    for name in names:
        feature = FEATURES[name]
        empty = frame[name].is_null() if feature.is_numeric else frame[name] == MISSING_LEVEL
        if not empty.all():
            used.append(name)
        elif feature.is_optional:
            absent[name] = f"{feature.column} is empty in all {frame.height} training loans"
        else:
            raise NotTrainable(
                f"Column {feature.column} is empty in all {frame.height} training loans, so the "
                "default model is not trained; load a file that fills it or choose another cut-off."
            )
    return tuple(used), absent
