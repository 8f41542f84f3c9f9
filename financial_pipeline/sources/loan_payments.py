"""Whether the payments and statuses of a file are those of its loans: shares of the whole file.

A spreadsheet that sorts some columns alone gives each loan another one's payments or status.
"""

from typing import Final

import polars as pl

from financial_pipeline.schemas.loan_rules import LARGEST_PRINCIPAL_SHARE
from financial_pipeline.sources.loan_units import column_number

# Upstream's paid loans received the whole principal, but for cents.
LEAST_PRINCIPAL_SHARE: Final = 0.99
PAID: Final = "(?i)fully paid"


def excess_principal(raw: pl.LazyFrame) -> float:
    """The share of loans that paid back more principal than LARGEST_PRINCIPAL_SHARE of them."""
    return _share(raw, _principal(raw) > LARGEST_PRINCIPAL_SHARE)


def unpaid_principal(raw: pl.LazyFrame) -> float:
    """The share of fully paid loans that paid back less than LEAST_PRINCIPAL_SHARE of them."""
    is_unpaid = _principal(raw) < LEAST_PRINCIPAL_SHARE
    return _share(raw, is_unpaid.filter(pl.col("loan_status").str.contains(PAID)))


def _principal(raw: pl.LazyFrame) -> pl.Expr:
    """Principal received over the amount of the loan."""
    schema = raw.collect_schema()
    paid, funded = (
        column_number(name, schema[name]) for name in ("total_rec_prncp", "funded_amnt")
    )
    return pl.when(funded > 0).then(paid / funded)


def _share(raw: pl.LazyFrame, condition: pl.Expr) -> float:
    return raw.select(condition.mean()).collect(engine="streaming").item() or 0.0
