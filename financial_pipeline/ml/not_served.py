"""The reasons why a model is not served, in words, from the rows of `ml/gates`."""

from collections.abc import Iterable, Mapping
from typing import Any

from financial_pipeline.ml.gates import REFUSAL


def why_not_served(rows: Iterable[Mapping[str, Any]]) -> str | None:
    """Return the reasons of the failed gates, from rows of `ml/gates`; None if all passed.

    A refusal is the only reason given: figures that were not measured fail for nothing else.
    """
    failed = [row for row in rows if not row["passed"]]
    refusals = [str(row["detail"]).rstrip(".") for row in failed if row["gate"] == REFUSAL]
    return "; ".join(dict.fromkeys(refusals or map(_failure, failed))) or None


def _failure(row: Mapping[str, Any]) -> str:
    what = f"{row['model']}: {row['detail']}".replace("_", " ")
    if row["value"] is None:
        return f"{what} is not known"
    side = "at least" if row["value"] < row["limit"] else "at most"
    return f"{what} is {row['value']:.3g}, {side} {row['limit']:g} is needed"
