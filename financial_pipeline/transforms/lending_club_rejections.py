"""Rejected applications from text to types, each with the first cleaning rule it breaks.

Schema in: the nine upstream columns as text. Schema out: `reason`, `application_month` and the
columns of staging/lending_club_rejections.
"""

from datetime import date
from typing import Final

import polars as pl

from financial_pipeline.schemas.loan_rules import LARGEST_DOLLARS, MISSING_WORDS
from financial_pipeline.schemas.staging import BEFORE_FIRST_MONTH
from financial_pipeline.transforms.text_values import EMPLOYMENT_TYPE, employment_years

NUMBERS: Final = {
    "Amount Requested": "amount_requested",
    "Risk_Score": "risk_score",
    # Per cent, written with its sign.
    "Debt-To-Income Ratio": "dti",
    "Policy Code": "policy_code",
}
TEXTS: Final = {"Loan Title": "loan_title", "Zip Code": "zip_code", "State": "state"}
AMOUNT: Final = "Amount Requested"
APPLICATION_DATE: Final = "Application Date"
EMPLOYMENT: Final = "Employment Length"
DTI: Final = "Debt-To-Income Ratio"
SCORE: Final = "Risk_Score"
# Rows that decide about the unit of the ratios, and positive ratios that are enough.
SURVEYED_ROWS: Final = 200_000
FEW_RATIOS: Final = 20
# Medians that a book of applications may have, in per cent and in dollars.
LOW_RATIO: Final = 0.7
HIGH_RATIO: Final = 300.0
# In a column of per cent, at most this share is one or less.
MOST_FRACTIONS: Final = 0.25
LOW_SCORE: Final = 300.0
LOW_AMOUNT: Final = 800.0
HIGH_AMOUNT: Final = 120_000.0


# A title is typed by a person, who may write any word.
TITLE: Final = "Loan Title"
# Bounds that the fact tests.
HIGHEST_SCORE: Final = 990


def _text(column: str, parsed: str | None = None) -> pl.Expr:
    """A column without missing words; of the rows that `parsed` understood, nothing."""
    trimmed = pl.col(column).str.strip_chars()
    if parsed is not None:
        trimmed = pl.when(pl.col(parsed).is_null()).then(trimmed)
    is_missing = trimmed == ""
    if column != TITLE:
        is_missing |= trimmed.str.to_lowercase().is_in(MISSING_WORDS)
    return pl.when(~is_missing).then(trimmed)


def _number(column: str) -> pl.Expr:
    # Words for missing values are never finite numbers.
    text = pl.col(column).str.strip_chars().str.strip_suffix("%").str.strip_chars()
    number = text.cast(pl.Float64, strict=False)
    if column == AMOUNT:
        # Dollars never have three decimals, so that `1,000` groups digits. Few rows need this.
        text = pl.when(number.is_null()).then(text).str.strip_prefix("$").str.strip_chars()
        is_grouped = text.str.contains(r"^\d{1,3}(?:,\d{3})+(?:\.\d*)?$")
        text = pl.when(is_grouped).then(text.str.replace_all(",", "")).otherwise(text)
        number = pl.coalesce(number, text.cast(pl.Float64, strict=False))
    return pl.when(number.is_finite()).then(number)


def _day(month_first: bool) -> pl.Expr:
    text = pl.col(APPLICATION_DATE).str.strip_chars()
    # A clock at midnight may follow, as data frames write it.
    iso = text.str.extract(r"^(\d{4}-\d{2}-\d{2})(?:[T ]00:00(?::00(?:\.0+)?)?Z?)?$")
    day = iso.str.to_date("%Y-%m-%d", strict=False)
    if not month_first:
        return day
    slashed = pl.when(text.str.contains(r"^\d{1,2}/\d{1,2}/\d{4}$")).then(text)
    return pl.coalesce(day, slashed.str.to_date("%m/%d/%Y", strict=False))


def dti_factor(raw: pl.LazyFrame) -> float:
    """Return the factor that makes per cent of the ratios: 100 for fractions without signs, else 1.

    Raises ValueError if the median of the ratios, amounts or scores is that of another unit, and if
    many ratios are fractions though most are per cent.
    """
    text, ratio, amount, score = pl.col(DTI), _number(DTI), _number(AMOUNT), _number(SCORE)
    sample = raw.select(
        scores=(score > 0).sum(),
        score=pl.when(score > 0).then(score).median(),
        fractions=(ratio <= 1).filter(ratio > 0).mean(),
        signs=text.str.contains("%", literal=True).any(),
        ratios=(ratio > 0).sum(),
        ratio=pl.when(ratio > 0).then(ratio).median(),
        amounts=(amount > 0).sum(),
        amount=pl.when(amount > 0).then(amount).median(),
    )
    found = sample.collect(engine="streaming").row(0, named=True)
    if found["amounts"] >= FEW_RATIOS and not LOW_AMOUNT <= found["amount"] <= HIGH_AMOUNT:
        raise ValueError(
            f"{AMOUNT} has a median of {found['amount']:,.4g}, and that of other files is about"
            " 10,000 dollars"
        )
    if found["scores"] >= FEW_RATIOS and found["score"] < LOW_SCORE:
        raise ValueError(
            f"{SCORE} has a median of {found['score']:,.4g}, and that of other files is about 640"
        )
    if found["ratios"] < FEW_RATIOS:
        return 1.0
    factor = 100.0 if not found["signs"] and found["ratio"] <= 1 else 1.0
    if not LOW_RATIO <= found["ratio"] * factor <= HIGH_RATIO:
        raise ValueError(
            f"{DTI} has a median of {found['ratio']:,.4g}, and that of other files is about 20"
            " per cent"
        )
    if factor == 1 and found["fractions"] > MOST_FRACTIONS:
        raise ValueError(
            f"{found['fractions']:.0%} of {DTI} are at most 1 per cent, as fractions are"
        )
    return factor


def _first_broken_rule(first: date, last: date) -> pl.Expr:
    """The first rule that a row breaks, or null; it reads the columns of `_parsed`."""
    unreadable = [_text(name, ours).is_not_null() for name, ours in NUMBERS.items()]
    no_date = _text(APPLICATION_DATE, "application_date").is_null()
    no_amount = _text(AMOUNT, "amount_requested").is_null()
    day, score, amount = map(pl.col, ("application_date", "risk_score", "amount_requested"))
    rules = [
        ("unreadable_number", pl.any_horizontal(unreadable)),
        ("missing_application_date", day.is_null() & no_date),
        ("mangled_date", day.is_null()),
        ("missing_amount_requested", amount.is_null() & no_amount),
        ("amount_out_of_range", ~amount.is_between(0, LARGEST_DOLLARS)),
        ("risk_score_out_of_range", ~score.is_between(0, HIGHEST_SCORE)),
        ("date_after_last_month", day > last),
        ("unknown_emp_length", ~_text(EMPLOYMENT).is_in(EMPLOYMENT_TYPE.categories.to_list())),
        (BEFORE_FIRST_MONTH, day < first),
    ]
    return pl.coalesce(pl.when(broken).then(pl.lit(reason)) for reason, broken in rules)


def _parsed(raw: pl.LazyFrame, month_first: bool) -> pl.LazyFrame:
    """Parse each text once: Polars would do it again for each rule that is built from it."""
    return raw.with_columns(
        *(_number(name).alias(ours) for name, ours in NUMBERS.items()),
        _day(month_first).alias("application_date"),
    )


def type_rejections(
    raw: pl.LazyFrame,
    *,
    month_first: bool,
    first_application_month: date,
    last_application_date: date,
    dti_factor: float = 1.0,
) -> pl.LazyFrame:
    """Type rejected applications and name the first rule that each breaks (null: none).

    `month_first` reads dates like 5/26/2007 as the 26th of May; otherwise they break a rule. A
    risk score of 0 or a negative dti stays as upstream wrote it. Other columns pass through.
    """
    dti = pl.col("dti")
    if dti_factor != 1:
        # Rounding to ten decimals removes binary noise of the product.
        dti = (dti * dti_factor).round(10)
    return _parsed(raw, month_first).select(
        "row",
        _first_broken_rule(first_application_month, last_application_date).alias("reason"),
        "application_date",
        pl.col("application_date").dt.truncate("1mo").alias("application_month"),
        employment_years(EMPLOYMENT).alias("employment_length"),
        dti,
        "amount_requested",
        "risk_score",
        pl.col("policy_code").cast(pl.Int64, strict=False),
        *(_text(name).alias(ours) for name, ours in TEXTS.items()),
    )
