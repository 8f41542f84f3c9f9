"""Rejected applications from text to types, rule by rule."""

from datetime import date
from typing import Any

import polars as pl
import pytest

from financial_pipeline.schemas.lending_club import REJECTION_COLUMNS
from financial_pipeline.transforms.lending_club_rejections import type_rejections

SOUND = ("1000.0", "2007-05-26", "Wedding", "693.0", "10%", "010xx", "MA", "< 1 year", "0.0")
FIRST = date(2007, 5, 1)


def one(month_first: bool = False, **changes: str | None) -> dict[str, Any]:
    """A sound application, changed by column, typed."""
    names = {name.replace(" ", "_").replace("-", "_"): name for name in REJECTION_COLUMNS}
    values = dict(zip(REJECTION_COLUMNS, SOUND, strict=True))
    values |= {names[name]: text for name, text in changes.items()}
    raw = pl.LazyFrame(
        [{"row": 0, **values}], schema={"row": pl.UInt32()} | dict.fromkeys(values, pl.String())
    )
    rows = type_rejections(
        raw,
        month_first=month_first,
        first_application_month=FIRST,
        last_application_date=date(2018, 12, 31),
    )
    return rows.collect().row(0, named=True)


def test_sound_application_is_typed() -> None:
    row = one()
    assert row == {
        "row": 0,
        "reason": None,
        "application_date": date(2007, 5, 26),
        "application_month": date(2007, 5, 1),
        "amount_requested": 1000.0,
        "risk_score": 693.0,
        "dti": 10.0,
        "policy_code": 0,
        "employment_length": 0,
        "loan_title": "Wedding",
        "zip_code": "010xx",
        "state": "MA",
    }


def test_slashed_date_counts_only_where_the_month_is_known_to_come_first() -> None:
    assert one(month_first=True, Application_Date="5/6/2007")["application_date"] == date(
        2007, 5, 6
    )
    assert one(Application_Date="5/6/2007")["reason"] == "mangled_date"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"Application_Date": None}, "missing_application_date"),
        ({"Application_Date": "26-May"}, "mangled_date"),
        ({"Application_Date": "2007-02-30"}, "mangled_date"),
        ({"Amount_Requested": None}, "missing_amount_requested"),
        ({"Amount_Requested": "1,00"}, "unreadable_number"),
        ({"Debt_To_Income_Ratio": "ten"}, "unreadable_number"),
        ({"Employment_Length": "long"}, "unknown_emp_length"),
        ({"Application_Date": "2007-04-30"}, "before_first_month"),
        ({"Application_Date": "2091-05-26"}, "date_after_last_month"),
        ({"Amount_Requested": "-5"}, "amount_out_of_range"),
        ({"Risk_Score": "991"}, "risk_score_out_of_range"),
        ({"Risk_Score": "-1"}, "risk_score_out_of_range"),
    ],
)
def test_broken_rule_is_named(changes: dict[str, str | None], reason: str) -> None:
    assert one(**changes)["reason"] == reason


@pytest.mark.parametrize("word", ["NA", "NULL", "nan", "-", "n/a"])
def test_word_for_a_missing_employment_length_breaks_no_rule(word: str) -> None:
    row = one(Employment_Length=word)
    assert (row["reason"], row["employment_length"]) == (None, None)


def test_dollars_may_group_their_digits() -> None:
    amounts = [one(Amount_Requested=text)["amount_requested"] for text in ("1,000", "$1,000.50")]
    assert amounts == [1_000.0, 1_000.5]


@pytest.mark.parametrize(
    "column", ["Risk_Score", "Debt_To_Income_Ratio", "Loan_Title", "Policy_Code"]
)
def test_empty_field_that_upstream_leaves_empty_breaks_no_rule(column: str) -> None:
    assert one(**dict.fromkeys([column]))["reason"] is None
