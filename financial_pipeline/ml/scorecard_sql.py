"""The scorecard as one DuckDB query over `fct_loan_applications`.

The query needs nothing but the table, so a bank can score where its data live. It agrees with
`Scorecard.score` for every loan to 1e-9.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from financial_pipeline.ml.features import FEATURES, MISSING_LEVEL
from financial_pipeline.ml.scorecard import FACTOR, OFFSET, Characteristic, Scorecard
from financial_pipeline.publishing.duckdb_session import in_memory

APPLICATIONS: Final = "fct_loan_applications"


def scorecard_sql(card: Scorecard) -> str:
    """A query that gives loan_key, score and pd of every row of `fct_loan_applications`."""
    terms = "\n        + ".join(_case(item) for item in card.characteristics)
    return f"""\
with scored as (
    select
        loan_key,
        {_number(card.base_points)}
        + {terms} as score
    from {APPLICATIONS}
)

select
    loan_key,
    score,
    1 / (1 + exp((score - {_number(OFFSET)}) / {_number(FACTOR)})) as pd
from scored
"""


def largest_difference(query: str, applications: Iterable[Path], scores: pl.DataFrame) -> float:
    """Largest difference in points, DuckDB against Python; infinite if loans are missing.

    `query` is the scorecard as SQL, `applications` the files of its table, `scores` has one row
    per loan, sorted by `loan_key`.
    """
    with in_memory() as connection:
        relation = connection.read_parquet([str(path) for path in applications])
        relation.create_view(APPLICATIONS)
        found = connection.execute(f"select score from ({query}) order by loan_key").fetchnumpy()
    if len(found["score"]) != scores.height:
        return float("inf")
    difference = found["score"] - scores["scorecard_points"].to_numpy()
    return float(np.abs(difference).max(initial=0.0))


def _case(item: Characteristic) -> str:
    expression = FEATURES[item.feature].sql
    if item.is_numeric:
        tests = [
            f"when {expression} <= {_number(edge)} then {_number(points)}"
            for edge, points in zip(item.edges, item.points, strict=False)
        ]
        missing, last = item.points[-1], item.points[len(item.edges)]
        tests.insert(0, f"when {expression} is null then {_number(missing)}")
    else:
        known = f"coalesce({expression}, '{MISSING_LEVEL}')"
        tests = [
            f"when {known} = {_text(level)} then {_number(points)}"
            for level, points in zip(item.levels, item.points, strict=False)
        ]
        last = item.points[-1]
    body = "\n            ".join(tests)
    # A feature that has one bin only gives every loan the same points.
    if not tests:
        return _number(last)
    return f"case\n            {body}\n            else {_number(last)}\n        end"


def _number(value: float) -> str:
    """A DOUBLE literal with all its digits: without an exponent DuckDB would read a decimal."""
    return f"{value:.17e}"


def _text(value: str) -> str:
    escaped = value.replace("'", "''")
    return f"'{escaped}'"
