"""Units of a loan file, decided per column by range and by ratio to known medians.

Per cent may be written as fractions, which is corrected. Dollars in cents or thousands, incomes per
month and rates in basis points are refused: the columns would be wrong in silence.
"""

from dataclasses import dataclass
from typing import Final

import polars as pl

from financial_pipeline.errors import PipelineError
from financial_pipeline.schemas.loan_rules import (
    DOLLAR_COLUMNS,
    LARGEST_PRINCIPAL_SHARE,
    SIGNED_COLUMNS,
)

PER_CENT: Final = 100.0
# Medians of the positive values of Lending Club's loans, in per cent.
TYPICAL_PER_CENT: Final = {
    "int_rate": 13.0,
    "revol_util": 50.0,
    "dti": 17.0,
    "dti_joint": 18.0,
    "il_util": 70.0,
    "all_util": 58.0,
    "bc_util": 60.0,
    "pct_tl_nvr_dlq": 95.0,
    "percent_bc_gt_75": 50.0,
    "sec_app_revol_util": 55.0,
    "settlement_percentage": 47.0,
}
# Medians in dollars, and the factor that no book of loans differs from them by.
TYPICAL_DOLLARS: Final = {
    "loan_amnt": (12_000.0, 12),
    "funded_amnt": (12_000.0, 12),
    "annual_inc": (65_000.0, 6),
    "annual_inc_joint": (110_000.0, 6),
    "revol_bal": (11_000.0, 30),
    "revol_bal_joint": (26_000.0, 30),
    "tot_cur_bal": (79_000.0, 30),
    "avg_cur_bal": (7_300.0, 30),
    "total_rev_hi_lim": (25_000.0, 30),
    "tot_hi_cred_lim": (114_000.0, 30),
    "bc_open_to_buy": (5_400.0, 30),
    "total_bal_ex_mort": (38_000.0, 30),
    "total_bc_limit": (16_000.0, 30),
    "total_bal_il": (23_000.0, 30),
    "total_il_high_credit_limit": (33_000.0, 30),
    "max_bal_bc": (4_400.0, 30),
    "tot_coll_amt": (340.0, 30),
    "settlement_amount": (4_200.0, 30),
}
# Months and accounts: years and days, or per mille, are off by more.
TYPICAL_COUNTS: Final = {
    "open_acc": (11.0, 6),
    "total_acc": (24.0, 6),
    "mths_since_last_delinq": (31.0, 6),
    "mths_since_last_record": (70.0, 6),
    "mths_since_last_major_derog": (43.0, 6),
    "mo_sin_old_il_acct": (130.0, 6),
    "mo_sin_old_rev_tl_op": (170.0, 6),
}
# Dollars next to other dollars of the same loan: the typical ratio of the first to the second.
TYPICAL_RATIOS: Final = {
    ("funded_amnt_inv", "funded_amnt"): 1.0,
    ("out_prncp_inv", "out_prncp"): 1.0,
    ("total_pymnt_inv", "total_pymnt"): 1.0,
    ("last_pymnt_amnt", "installment"): 2.0,
    ("collection_recovery_fee", "recoveries"): 0.2,
}
# Cents and thousands are off by more.
RATIO_FACTOR: Final = 30
# Nearly all fractions are below this, and most per cent are above it.
LARGEST_FRACTION: Final = 2.0
PER_CENT_FACTOR: Final = 30
# In a column of per cent, at most this share of the positive values is one or less.
LARGEST_SHARE_OF_FRACTIONS: Final = 0.1
# Minimum numbers of positive values to read a column as fractions, and to refuse it.
FEW_VALUES: Final = 5
MANY_VALUES: Final = 20
# Installment over the annuity of amount, rate and term: the median of a file is 1.
LARGEST_ANNUITY_RATIO: Final = 1.25
MONTHS_IN_YEAR: Final = 12


@dataclass(frozen=True)
class _Values:
    """Positive values of a column: how many, median, nearly the largest, share of at most one."""

    count: int
    median: float
    high: float
    fractions: float


def column_number(name: str, kind: pl.DataType) -> pl.Expr:
    """The numbers of a column, which may be text."""
    if kind != pl.String():
        return pl.col(name)
    text = pl.col(name).str.strip_chars()
    text = text.str.strip_suffix("%").str.strip_chars() if name in SIGNED_COLUMNS else text
    return text.cast(pl.Float64, strict=False)


def _statistics(raw: pl.LazyFrame, schema: pl.Schema) -> dict[str, _Values]:
    """Statistics of the columns with known medians that the file has."""
    names = [n for n in TYPICAL_PER_CENT | TYPICAL_DOLLARS | TYPICAL_COUNTS if n in schema]
    values = {name: column_number(name, schema[name]) for name in names}
    positive = {
        name: value.filter(value.is_finite() & (value > 0)) for name, value in values.items()
    }
    asked = {
        name: pl.struct(
            count=value.count(),
            median=value.median(),
            high=value.quantile(0.99, "lower"),
            fractions=(value <= 1).mean(),
        )
        for name, value in positive.items()
    }
    found = raw.select(**asked).collect(engine="streaming").row(0, named=True)
    return {name: _Values(**found[name]) for name in names if found[name]["count"]}


def _factor(name: str, values: _Values) -> float:
    """Return the factor that makes per cent of a column; raises ValueError if none fits."""
    typical = TYPICAL_PER_CENT[name]
    if name == "int_rate":
        # No loan has a rate of 100 per cent, and none has a rate below one.
        return 1.0 if values.median > 1 else PER_CENT
    if values.count < FEW_VALUES:
        return 1.0
    if values.high <= LARGEST_FRACTION:
        share = values.median * PER_CENT
        fits = typical / PER_CENT_FACTOR <= share <= typical * PER_CENT_FACTOR
        factor = PER_CENT
    else:
        fits = typical / PER_CENT_FACTOR <= values.median <= typical * PER_CENT_FACTOR / 3
        fits &= values.fractions <= LARGEST_SHARE_OF_FRACTIONS
        factor = 1.0
    if not fits and values.count >= MANY_VALUES:
        raise ValueError(
            f"{name} has a median of {values.median:,.4g} and {values.fractions:.0%} values up to"
            f" 1, and the median of other loan files is about {typical:g} per cent"
        )
    return factor


def _refuse_other_medians(found: dict[str, _Values]) -> None:
    for name, (typical, factor) in (TYPICAL_DOLLARS | TYPICAL_COUNTS).items():
        values = found.get(name)
        if values is None or values.count < MANY_VALUES:
            continue
        if not typical / factor <= values.median <= typical * factor:
            raise ValueError(
                f"{name} has a median of {values.median:,.4g}, and that of other loan files is"
                f" about {typical:,.0f}" + (" dollars" if name in TYPICAL_DOLLARS else "")
            )


def _refuse_other_ratios(raw: pl.LazyFrame, schema: pl.Schema) -> None:
    """Compare dollars with other dollars of the same loan, such as debts with unpaid principal."""
    amounts = {
        name: column_number(name, kind) for name, kind in schema.items() if name in DOLLAR_COLUMNS
    }
    paid = amounts["total_rec_prncp"] / amounts["funded_amnt"]
    left = amounts["funded_amnt"] - amounts["total_rec_prncp"]
    checks = [
        (f"{name} over {base}", amounts[name] / amounts[base], typical, typical * RATIO_FACTOR)
        for (name, base), typical in TYPICAL_RATIOS.items()
        if name in amounts
    ]
    checks += [
        ("total_rec_prncp over funded_amnt", paid, 1.0, LARGEST_PRINCIPAL_SHARE),
        ("out_prncp over unpaid principal", amounts["out_prncp"] / left, 1.0, RATIO_FACTOR),
    ]
    sound = {
        name: pl.when(ratio.is_finite() & (ratio > 0)).then(ratio) for name, ratio, *_ in checks
    }
    asked = [pl.struct(count=r.count(), median=r.median()).alias(name) for name, r in sound.items()]
    found = raw.select(asked).collect(engine="streaming").row(0, named=True)
    for name, _, typical, most in checks:
        count, median = found[name]["count"], found[name]["median"]
        # Little of a young loan is paid back.
        least = 0.0 if name.startswith("total_rec_prncp") else typical / RATIO_FACTOR
        if count >= MANY_VALUES and not least <= median <= most:
            raise ValueError(
                f"{name} has a median of {median:,.4g}, and that of other loan files is about"
                f" {typical:g}"
            )


def _refuse_other_annuity(raw: pl.LazyFrame, schema: pl.Schema, rate_factor: float) -> None:
    """Compare installments with the annuity of amount, rate and term."""
    amount = column_number("funded_amnt", schema["funded_amnt"])
    installment = column_number("installment", schema["installment"])
    rate = column_number("int_rate", schema["int_rate"]) * rate_factor / PER_CENT / MONTHS_IN_YEAR
    term = pl.col("term").str.extract(r"(\d+)").cast(pl.Float64)
    ratio = installment / (amount * rate / (1 - (1 + rate) ** -term))
    sound = pl.when(ratio.is_finite() & (ratio > 0)).then(ratio)
    row = raw.select(count=sound.count(), median=sound.median()).collect(engine="streaming")
    count, median = row.row(0)
    if count >= MANY_VALUES and not 1 / LARGEST_ANNUITY_RATIO <= median <= LARGEST_ANNUITY_RATIO:
        raise ValueError(
            "installment is not the monthly payment on funded_amnt at int_rate: the median ratio"
            f" is {median:.4g}, not 1"
        )


def unit_factors(raw: pl.LazyFrame, where: str) -> dict[str, float]:
    """Column -> factor that makes per cent of it, for the columns that need one.

    `raw` has upstream columns as text or numbers; `where` names the file in errors. The factor of
    `int_rate` is always given. Raises PipelineError for a unit that no factor explains.
    """
    schema = raw.collect_schema()
    found = _statistics(raw, schema)
    try:
        factors = {n: _factor(n, values) for n, values in found.items() if n in TYPICAL_PER_CENT}
        _refuse_other_medians(found)
        _refuse_other_annuity(raw, schema, factors.get("int_rate", 1.0))
        _refuse_other_ratios(raw, schema)
    except ValueError as error:
        raise PipelineError(
            f"{where} is refused: {error}; the column is in another unit or in the wrong place."
            " Export it in dollars and per cent as Lending Club does."
        ) from error
    needed = {name: factor for name, factor in factors.items() if factor != 1.0}
    return {"int_rate": factors.get("int_rate", 1.0), **needed}


def in_per_cent(raw: pl.LazyFrame, factors: dict[str, float]) -> pl.LazyFrame:
    """Multiply the columns other than `int_rate` by their factors; text stays text."""
    schema, expressions = raw.collect_schema(), []
    for name, factor in factors.items():
        if name == "int_rate":
            continue
        # Rounding to ten decimals removes binary noise of the product.
        value = (column_number(name, schema[name]) * factor).round(10)
        if schema[name] == pl.String():
            value = pl.coalesce(value.cast(pl.String), pl.col(name))
        expressions.append(value.alias(name))
    return raw.with_columns(expressions)
