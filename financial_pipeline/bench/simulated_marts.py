"""Simulated loans in the form of the marts, straight from the simulator, for measurements.

No file is written, staged or loaded into the warehouse on the way. Simulated rows are clean, so the
few rules below suffice; the pipeline itself takes its targets from the warehouse only.
"""

from datetime import date
from typing import Final

import polars as pl

from financial_pipeline.schemas.lending_club import CLASS_X, MONTH_COLUMNS, TEXT_COLUMNS
from financial_pipeline.simulator.loan_calendar import month_number
from financial_pipeline.simulator.loan_columns import (
    POLICY_PREFIX,
    chunk_count,
    draw_chunk,
    snapshot_rows,
)

SNAPSHOT: Final = date(2019, 3, 1)
BAD_STATUSES: Final = ("Charged Off", "Default")


def simulated_marts(loans: int, seed: int) -> pl.DataFrame:
    """One row per simulated loan: columns of `fct_loan_applications`, `fct_loans` and class X.

    The columns that the default model and its leak alarm read; class X columns keep their upstream
    names, with the prefix `x_`.
    """
    parts = []
    for number in range(chunk_count(loans)):
        rows = snapshot_rows(draw_chunk(seed, loans, number), month_number(SNAPSHOT))
        parts.append(_as_marts(rows))
    return pl.concat(parts).with_row_index("loan_key", offset=1).cast({"loan_key": pl.Int64})


def outcome_columns(marts: pl.DataFrame) -> pl.DataFrame:
    """The class X columns under their own names."""
    return marts.select(pl.col(f"x_{name}").alias(name) for name in sorted(CLASS_X))


def _as_marts(rows: pl.DataFrame) -> pl.DataFrame:
    status = pl.col("loan_status").str.strip_prefix(POLICY_PREFIX)
    years = pl.col("emp_length").str.extract(r"(\d+)").cast(pl.Float64)
    is_matured = pl.col("maturity_month") <= SNAPSHOT
    is_known = is_matured & pl.col("credit_policy_met") & (pl.col("is_bad") | pl.col("is_paid"))
    typed = rows.select(
        "loan_amnt",
        "inq_last_6mths",
        "revol_util",
        "delinq_2yrs",
        "open_acc",
        "pub_rec",
        "home_ownership",
        "purpose",
        "verification_status",
        *(_typed_column(name).alias(f"x_{name}") for name in sorted(CLASS_X)),
        issue_month=_typed_column("issue_d"),
        term=pl.col("term").str.extract(r"(\d+)").cast(pl.Int64),
        # The columns of both applicants are null but for joint applications.
        income_effective=pl.coalesce("annual_inc_joint", "annual_inc"),
        dti_effective=pl.coalesce("dti_joint", "dti"),
        emp_length=pl.when(pl.col("emp_length").str.contains("<")).then(0.0).otherwise(years),
        fico_midpoint=(pl.col("fico_range_low") + pl.col("fico_range_high")) / 2,
        int_rate=pl.col("int_rate") / 100,
        is_bad=status.is_in(BAD_STATUSES),
        is_paid=status == "Fully Paid",
        credit_policy_met=~pl.col("loan_status").str.starts_with(POLICY_PREFIX),
    )
    return typed.with_columns(
        maturity_month=pl.col("issue_month").dt.offset_by(pl.format("{}mo", "term"))
    ).with_columns(
        is_matured=is_matured,
        default_d1=pl.when(is_known).then(pl.col("is_bad").cast(pl.Int16)),
    )


def _typed_column(name: str) -> pl.Expr:
    if name in MONTH_COLUMNS:
        return ("01-" + pl.col(name)).str.to_date("%d-%b-%Y")
    return pl.col(name).cast(pl.String if name in TEXT_COLUMNS else pl.Float64)
