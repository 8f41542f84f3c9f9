"""Bounds of columns that decide little, each on a literal, and parsed numbers that are none."""

from pathlib import Path

import polars as pl
import pytest

from financial_pipeline_tests.loan_text import loan
from financial_pipeline_tests.transforms.test_lending_club_loans import typed

BOUNDS = [
    ("annual_inc_joint", "1e17", "amount_out_of_range"),
    ("annual_inc", "0.004", "amount_out_of_range"),
    ("annual_inc_joint", "0.004", "amount_out_of_range"),
    ("loan_amnt", "0", "amount_out_of_range"),
    ("loan_amnt", "400000", "amount_out_of_range"),
    ("sec_app_earliest_cr_line", "Jan-2091", "implausible_earliest_cr_line"),
    ("sec_app_earliest_cr_line", "Jan-1903", "implausible_earliest_cr_line"),
    ("last_credit_pull_d", "Mar-1919", "implausible_credit_pull"),
    ("last_credit_pull_d", "Dec-2005", "implausible_credit_pull"),
    ("mort_acc", "-5", "negative_count"),
    ("mths_since_last_delinq", "-3", "negative_count"),
    ("bc_util", "5000000", "per_cent_out_of_range"),
    ("settlement_percentage", "-1", "per_cent_out_of_range"),
    ("last_credit_pull_d", "Jan-2006", None),
    ("loan_amnt", "40000", None),
    ("annual_inc", "0.01", None),
    ("annual_inc_joint", "1e9", None),
    ("il_util", "1000", None),
    ("dti_joint", "-1", None),
    ("sec_app_earliest_cr_line", "Dec-2015", None),
]


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    rows = [loan(1, **{column: text}) for column, text, _ in BOUNDS]
    return typed(tmp_path_factory.mktemp("bounds"), *rows)


@pytest.mark.parametrize("number", range(len(BOUNDS)), ids=[f"{c}={t}" for c, t, _ in BOUNDS])
def test_broken_bound_is_named(judged: pl.DataFrame, number: int) -> None:
    assert judged["reason"][number] == BOUNDS[number][2]


@pytest.mark.parametrize("column", ["dti", "open_acc"])
def test_parsed_nan_fails_the_read_which_then_reads_text(tmp_path: Path, column: str) -> None:
    with pytest.raises(pl.exceptions.PolarsError):
        typed(tmp_path, loan(1), loan(2, **{column: "NaN"}), parsed=True)
