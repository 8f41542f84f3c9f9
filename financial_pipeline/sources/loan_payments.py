"""Agreement of payments and statuses with their loans: shares of the whole file.

A spreadsheet that sorts some columns alone gives each loan another one's payments or status.
"""

from typing import Final

import polars as pl

from financial_pipeline.schemas.loan_rules import LARGEST_PRINCIPAL_SHARE
from financial_pipeline.sources.loan_units import column_number

# Upstream's paid loans received the whole principal, apart from cents.
LEAST_PRINCIPAL_SHARE: Final = 0.99
PAID: Final = "(?i)fully paid"
CHARGED_OFF: Final = "(?i)charged off"


def doubtful_shares(raw: pl.LazyFrame) -> tuple[float, float, float]:
    """The shares of loans whose payments and status contradict each other.

    Those with more than LARGEST_PRINCIPAL_SHARE of the loan received, of all loans; with less than
    LEAST_PRINCIPAL_SHARE, of the fully paid ones; and those that still owe principal, of the
    charged-off ones, which upstream writes down to nothing.
    """
    schema = raw.collect_schema()
    names = ("total_rec_prncp", "funded_amnt", "out_prncp")
    paid, funded, owed = (column_number(name, schema[name]) for name in names)
    share = pl.when(funded > 0).then(paid / funded)
    is_paid, is_lost = (pl.col("loan_status").str.contains(word) for word in (PAID, CHARGED_OFF))
    found = raw.select(
        excess=(share > LARGEST_PRINCIPAL_SHARE).mean(),
        unpaid=(share < LEAST_PRINCIPAL_SHARE).filter(is_paid).mean(),
        owing=(owed > 0).filter(is_lost).mean(),
    ).collect(engine="streaming")
    excess, unpaid, owing = (value or 0.0 for value in found.row(0))
    return excess, unpaid, owing
