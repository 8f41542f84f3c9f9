"""Rejected applications from text to types, each with the first cleaning rule it breaks.

Schema in: the nine upstream columns as text. Schema out: `reason`, `application_month` and the
columns of staging/lending_club_rejections.
"""

from datetime import date
from typing import Final

import polars as pl

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
APPLICATION_DATE: Final = "Application Date"
EMPLOYMENT: Final = "Employment Length"


def _text(column: str) -> pl.Expr:
    trimmed = pl.col(column).str.strip_chars()
    return pl.when(trimmed != "").then(trimmed)


def _number(column: str) -> pl.Expr:
    number = _text(column).str.strip_suffix("%").cast(pl.Float64, strict=False)
    return pl.when(number.is_finite()).then(number)


def _day(month_first: bool) -> pl.Expr:
    text = _text(APPLICATION_DATE)
    iso = pl.when(text.str.contains(r"^\d{4}-\d{2}-\d{2}$")).then(text)
    day = iso.str.to_date("%Y-%m-%d", strict=False)
    if not month_first:
        return day
    slashed = pl.when(text.str.contains(r"^\d{1,2}/\d{1,2}/\d{4}$")).then(text)
    return pl.coalesce(day, slashed.str.to_date("%m/%d/%Y", strict=False))


def type_rejections(
    raw: pl.LazyFrame, *, month_first: bool, first_application_month: date
) -> pl.LazyFrame:
    """Type rejected applications and name the first rule that each breaks (null: none).

    `month_first` reads dates like 5/26/2007 as the 26th of May; otherwise they break a rule. A
    risk score of 0 or a negative dti stays as upstream wrote it. Other columns pass through.
    """
    unreadable = [_text(name).is_not_null() & _number(name).is_null() for name in NUMBERS]
    day, first = _day(month_first), first_application_month
    rules = [
        ("unreadable_number", pl.any_horizontal(unreadable)),
        ("missing_application_date", _text(APPLICATION_DATE).is_null()),
        ("mangled_date", day.is_null()),
        ("missing_amount_requested", _text("Amount Requested").is_null()),
        ("unknown_emp_length", ~_text(EMPLOYMENT).is_in(EMPLOYMENT_TYPE.categories.to_list())),
        (BEFORE_FIRST_MONTH, day < first),
    ]
    return raw.select(
        "row",
        pl.coalesce(pl.when(broken).then(pl.lit(reason)) for reason, broken in rules).alias(
            "reason"
        ),
        day.alias("application_date"),
        day.dt.truncate("1mo").alias("application_month"),
        employment_years(EMPLOYMENT).alias("employment_length"),
        *(_number(name).alias(ours) for name, ours in NUMBERS.items() if ours != "policy_code"),
        _number("Policy Code").cast(pl.Int64, strict=False).alias("policy_code"),
        *(_text(name).alias(ours) for name, ours in TEXTS.items()),
    )
