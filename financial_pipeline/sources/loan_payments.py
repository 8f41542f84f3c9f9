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


def doubtful_principal(raw: pl.LazyFrame) -> tuple[float, float]:
    """The shares of loans with too much principal received, and of paid ones with too little.

    More than LARGEST_PRINCIPAL_SHARE of the loan, of all loans; less than LEAST_PRINCIPAL_SHARE, of
    the fully paid ones.
    """
    schema = raw.collect_schema()
    paid, funded = (
        column_number(name, schema[name]) for name in ("total_rec_prncp", "funded_amnt")
    )
    share = pl.when(funded > 0).then(paid / funded)
    is_paid = pl.col("loan_status").str.contains(PAID)
    found = raw.select(
        excess=(share > LARGEST_PRINCIPAL_SHARE).mean(),
        unpaid=(share < LEAST_PRINCIPAL_SHARE).filter(is_paid).mean(),
    ).collect(engine="streaming")
    excess, unpaid = found.row(0)
    return excess or 0.0, unpaid or 0.0
