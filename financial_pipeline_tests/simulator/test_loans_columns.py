"""Rows of the 151-column file: types, ranges and columns that must agree with each other."""

from hashlib import sha256

import numpy as np
import polars as pl
import pytest

from financial_pipeline.schemas.lending_club import LOAN_COLUMNS, MONTH_COLUMNS, TEXT_COLUMNS
from financial_pipeline.simulator.loan_columns import draw_chunk, snapshot_rows
from financial_pipeline.simulator.world import GENERATOR_VERSION
from financial_pipeline_tests.simulator.conftest import MARCH_2019

SEED, LOANS = 3, 40_000
# The draws of the current generator version; see the test that uses it.
DRAWS_OF_VERSION = ("7", "546b55d6b20e2e16")


@pytest.fixture(scope="module")
def rows() -> pl.DataFrame:
    chunks = [draw_chunk(SEED, LOANS, number) for number in (0, 1)]
    return pl.concat([snapshot_rows(chunk, MARCH_2019) for chunk in chunks])


def test_columns_are_the_upstream_ones_in_order(rows):
    assert rows.columns == list(LOAN_COLUMNS)


def test_numbers_are_floats_and_the_rest_is_text(rows):
    for name in LOAN_COLUMNS:
        is_text = name in TEXT_COLUMNS or name in MONTH_COLUMNS or name in ("term", "emp_length")
        assert rows.schema[name] == (pl.String if is_text else pl.Float64), name


def test_no_number_is_negative_or_infinite(rows):
    numbers = rows.select(pl.selectors.float())
    assert all(low is None or low >= 0 for low in numbers.min().row(0))
    assert all(high is None or np.isfinite(high) for high in numbers.max().row(0))


@pytest.mark.parametrize("column", sorted(MONTH_COLUMNS))
def test_months_are_written_as_upstream_does(rows, column):
    texts = rows[column].drop_nulls()
    assert texts.len() > 0
    assert texts.str.contains(r"^[A-Z][a-z]{2}-(19|20)\d\d$").all()


@pytest.mark.parametrize(
    ("part", "whole"),
    [
        ("funded_amnt", "loan_amnt"),
        ("funded_amnt_inv", "funded_amnt"),
        ("open_acc", "total_acc"),
        ("num_sats", "open_acc"),
        ("num_op_rev_tl", "num_rev_accts"),
        ("num_rev_accts", "total_acc"),
        ("num_bc_sats", "num_bc_tl"),
        ("num_il_tl", "total_acc"),
        ("open_il_12m", "open_il_24m"),
        ("open_rv_12m", "open_rv_24m"),
        ("inq_last_6mths", "inq_last_12m"),
        ("total_bc_limit", "total_rev_hi_lim"),
        ("total_bal_ex_mort", "tot_cur_bal"),
        ("pub_rec_bankruptcies", "pub_rec"),
        ("total_rec_prncp", "funded_amnt"),
        ("total_pymnt_inv", "total_pymnt"),
        ("max_bal_bc", "revol_bal"),
    ],
)
def test_a_part_is_not_larger_than_its_whole(rows, part, whole):
    assert rows.filter(pl.col(part) > pl.col(whole)).height == 0


def test_scores_lie_on_the_grid_of_five(rows):
    low, high = rows["fico_range_low"], rows["fico_range_high"]
    assert (low % 5 == 0).all()
    assert set((high - low).to_list()) <= {4.0, 5.0}
    assert rows.filter(pl.col("fico_range_high") == 850)["fico_range_low"].eq(845).all()


def test_rates_lie_in_the_observed_range_and_rise_with_the_grade(rows):
    assert rows["int_rate"].is_between(5.31, 30.99).all()
    means = rows.group_by("grade").agg(pl.col("int_rate").mean()).sort("grade")["int_rate"]
    assert means.is_sorted()
    assert (rows["sub_grade"].str.head(1) == rows["grade"]).all()


def test_settlements_belong_to_loans_charged_off(rows):
    settled = rows.filter(pl.col("debt_settlement_flag") == "Y")
    assert settled.height > 0
    assert settled["loan_status"].str.contains("Charged Off|Default").all()
    assert settled["settlement_status"].is_in(["ACTIVE", "COMPLETE", "BROKEN"]).all()


def test_hardship_plans_are_rare_and_whole(rows):
    planned = rows.filter(pl.col("hardship_type").is_not_null())
    assert 0.001 < planned.height / rows.height < 0.02
    assert planned["hardship_amount"].null_count() == 0
    assert rows.filter(pl.col("hardship_flag") == "Y")["pymnt_plan"].eq("y").all()


def test_changed_draws_come_with_another_generator_version():
    """If this fails, raise GENERATOR_VERSION and put the new pair above."""
    chunk = draw_chunk(SEED, LOANS, 0)
    states = snapshot_rows(chunk, MARCH_2019).select("id", "loan_status", "zip_code", "total_acc")
    draws = [chunk.loans.grade, chunk.loans.term, chunk.loans.fico, chunk.outcomes.exit_month]
    digest = sha256(b"".join(np.ascontiguousarray(draw).tobytes() for draw in draws))
    digest.update(states.write_csv().encode())
    assert (GENERATOR_VERSION, digest.hexdigest()[:16]) == DRAWS_OF_VERSION
