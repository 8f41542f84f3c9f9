"""Agreement of the columns of a loan file with each other: rates, grades, installments and incomes.

A spreadsheet that sorts a column alone, or rounds it, leaves every range and every median right.
"""

from typing import Final

import polars as pl

from financial_pipeline.errors import PipelineError
from financial_pipeline.schemas.loan_rules import SUB_GRADES
from financial_pipeline.sources.loan_units import MANY_VALUES, MONTHS_IN_YEAR, column_number

# Nearly all installments are the annuity to the cent; a column sorted alone mixes amounts.
ANNUITY_TOLERANCE: Final = 0.15
LEAST_FITTING: Final = 0.8
# The sub grade sets the rate: the correlation of both is about 0.9 in every large file.
LEAST_CORRELATION: Final = 0.3
# Within one or two grades the correlation is not conclusive, as rates move over the years: 0.01
# within G of 2007 to 2011, 0.34 within F and G, 0.59 within E to G.
LEAST_SUB_GRADES: Final = 11
# Per cent: noise of fractions that were multiplied by 100.
RATE_NOISE: Final = 1e-6
# Dollars a year: hardly any income is lower, but incomes per month or in thousands are.
LOWEST_INCOME: Final = 5_000
MOST_LOW_INCOMES: Final = 0.02
# Fewer may occur in a small file: two of 63 loans in July 2007.
LEAST_LOW_INCOMES: Final = 10
# Months of interest on the whole loan: a borrower who paid this much made a payment after the month
# of the issue.
LEAST_INTEREST_MONTHS: Final = 3
# Upper bound of the share of upstream's loans with an impossible combination of these columns.
MOST_IMPOSSIBLE: Final = 0.2


def verify_alignment(raw: pl.LazyFrame, rate_factor: float, where: str) -> None:
    """Raise PipelineError, which names the file by `where`, if columns do not fit each other.

    `raw` has upstream columns as text or numbers; rates times `rate_factor` are per cent.
    """
    found = raw.select(**_facts(raw.collect_schema(), rate_factor)).collect(engine="streaming")
    reason = _reason(**found.row(0, named=True))
    if reason:
        raise PipelineError(
            f"{where} is refused: {reason}; use the original file, or export it again."
        )


def _facts(schema: pl.Schema, rate_factor: float) -> dict[str, pl.Expr]:
    rate, amount, installment, income = (
        column_number(name, schema[name]) if name in schema else pl.lit(None, pl.Float64())
        for name in ("int_rate", "funded_amnt", "installment", "annual_inc")
    )
    per_cent = rate * rate_factor
    monthly = per_cent / 100 / MONTHS_IN_YEAR
    term = pl.col("term").str.extract(r"(\d+)").cast(pl.Float64)
    ratio = installment / (amount * monthly / (1 - (1 + monthly) ** -term))
    sub_grade = pl.col("sub_grade").str.strip_chars().str.to_uppercase()
    rank = sub_grade.cast(pl.Enum(SUB_GRADES), strict=False).to_physical().cast(pl.Float64)
    is_both = rank.is_not_null() & per_cent.is_not_null()
    is_low = (income < LOWEST_INCOME).filter(income > 0)
    open_lines, all_lines, interest = (
        column_number(name, schema[name]) if name in schema else pl.lit(None, pl.Float64())
        for name in ("open_acc", "total_acc", "total_rec_int")
    )
    # Interest of some months is not paid in the month of the issue.
    is_old = interest > LEAST_INTEREST_MONTHS * amount * monthly
    paid_at_once = (pl.col("last_pymnt_d") == pl.col("issue_d")).filter(is_old)
    more_open = (open_lines > all_lines).drop_nulls()
    return {
        "loans": per_cent.count(),
        "rates": per_cent.drop_nulls().n_unique(),
        "is_whole": ((per_cent - per_cent.round()).abs() < RATE_NOISE).all(),
        "fitting": ((ratio - 1).abs() <= ANNUITY_TOLERANCE).filter(ratio > 0).mean(),
        "sub_grades": rank.drop_nulls().n_unique(),
        # Of ranks: one mistyped rate, which is quarantined, must not decide.
        "correlation": pl.corr(rank.filter(is_both), per_cent.filter(is_both), method="spearman"),
        "low_incomes": pl.when(is_low.sum() >= LEAST_LOW_INCOMES).then(is_low.mean()),
        "more_open": pl.when(more_open.len() >= MANY_VALUES).then(more_open.mean()),
        "paid_at_once": pl.when(is_old.sum() >= MANY_VALUES).then(paid_at_once.mean()),
    }


def _reason(
    loans: int,
    rates: int,
    is_whole: bool,
    fitting: float | None,
    sub_grades: int,
    correlation: float | None,
    low_incomes: float | None,
    more_open: float | None,
    paid_at_once: float | None,
) -> str | None:
    if loans < MANY_VALUES:
        return None
    if is_whole and rates > 1:
        return "its int_rate has whole per cents only, and Lending Club's have two decimals"
    if fitting is not None and fitting < LEAST_FITTING:
        return (
            f"its installment is the monthly payment on funded_amnt at int_rate for {fitting:.0%}"
            " of the loans only, so that a column belongs to other loans"
        )
    is_graded = sub_grades >= LEAST_SUB_GRADES and correlation is not None
    if is_graded and (correlation or 0.0) < LEAST_CORRELATION:
        return (
            f"its int_rate does not rise with sub_grade (correlation {correlation:.2f}), so that"
            " one of them belongs to other loans"
        )
    if low_incomes is not None and low_incomes > MOST_LOW_INCOMES:
        return (
            f"its annual_inc is below {LOWEST_INCOME:,} dollars for {low_incomes:.0%} of the loans,"
            " so that some are per month or in thousands"
        )
    return _impossible(more_open, paid_at_once)


def _impossible(more_open: float | None, paid_at_once: float | None) -> str | None:
    if more_open is not None and more_open > MOST_IMPOSSIBLE:
        return (
            f"its open_acc exceeds total_acc for {more_open:.0%} of the loans, and open credit"
            " lines are among all of them, so that the two columns are swapped"
        )
    if paid_at_once is not None and paid_at_once > MOST_IMPOSSIBLE:
        return (
            f"its last_pymnt_d is issue_d for {paid_at_once:.0%} of the loans that paid interest of"
            f" more than {LEAST_INTEREST_MONTHS} months, so that one of them was overwritten"
        )
    return None
