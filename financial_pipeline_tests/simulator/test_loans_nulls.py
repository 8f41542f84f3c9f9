"""Null shares by column and vintage: those of methodology 1.2, and those of the real files."""

import gzip
import io
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from financial_pipeline.schemas.lending_club import (
    BUREAU_2012,
    BUREAU_2015,
    BUREAU_CORE,
    LOAN_COLUMNS,
    SECOND_APPLICANT,
)
from financial_pipeline.simulator.bureau_tables import NATURAL_NULLS
from financial_pipeline.simulator.loan_calendar import issue_months
from financial_pipeline.simulator.loan_columns import (
    CHUNK_LOANS,
    draw_chunk,
    snapshot_rows,
)
from financial_pipeline_tests.simulator.conftest import MARCH_2019, SEED

BOOK = 2_000_000
ISSUE = issue_months(0, BOOK, BOOK)
POINTS = 0.05
MOST_CHUNKS = 3


def vintage(first: int, last: int) -> pl.DataFrame:
    """March 2019 rows of the loans issued from month `first` to `last`, at most three chunks."""
    numbers = np.flatnonzero((first <= ISSUE) & (last >= ISSUE)) // CHUNK_LOANS
    chunks = np.unique(numbers)[:MOST_CHUNKS]
    rows = [snapshot_rows(draw_chunk(SEED, BOOK, number), MARCH_2019) for number in chunks]
    issue = np.concatenate([ISSUE[n * CHUNK_LOANS : (n + 1) * CHUNK_LOANS] for n in chunks])
    return pl.concat(rows).filter(pl.Series((issue >= first) & (issue <= last)))


def null_shares(rows: pl.DataFrame) -> dict[str, float]:
    return {name: rows[name].null_count() / rows.height for name in rows.columns}


def real_loanstats(shared_data: Path) -> pl.DataFrame:
    path = shared_data / "lendingclub" / "LoanStats3a_REBUILT.csv.gz"
    text = gzip.decompress(path.read_bytes()).split(b"\n", 1)[1]
    rows = pl.read_csv(io.BytesIO(text), infer_schema=False, truncate_ragged_lines=True)
    loans = rows.filter(pl.col("loan_status").is_not_null())
    return loans.with_columns(pl.all().replace(["", "n/a"], None))


def differing(real: pl.DataFrame, simulated: pl.DataFrame) -> dict[str, tuple[float, float]]:
    found, expected = null_shares(simulated), null_shares(real)
    names = [name for name in real.columns if name not in ("id", "url")]
    pairs = {name: (expected[name], found[name]) for name in names}
    return {name: pair for name, pair in pairs.items() if abs(pair[0] - pair[1]) > POINTS}


@pytest.mark.parametrize("year", [2007, 2008, 2009, 2010, 2011])
def test_null_shares_of_the_first_years_are_those_of_the_real_file(shared_data, year):
    real = real_loanstats(shared_data).filter(pl.col("issue_d").str.ends_with(str(year)))
    assert differing(real, vintage(12 * year, 12 * year + 11)) == {}


def test_null_shares_of_december_2015_are_those_of_the_real_sample(shared_data):
    path = shared_data / "lendingclub" / "accepted_sample_1000_Dec2015.csv"
    real = pl.read_csv(path, infer_schema=False)
    month = 12 * 2015 + 11
    assert real.columns == list(LOAN_COLUMNS)
    assert differing(real, vintage(month, month)) == {}


def test_columns_of_2012_start_in_three_waves_in_that_year():
    shares = null_shares(vintage(12 * 2012, 12 * 2012 + 11))
    expected = {"mort_acc": 0.14, "num_sats": 0.30, "tot_cur_bal": 0.52, "num_rev_accts": 0.52}
    assert {name: shares[name] for name in expected} == pytest.approx(expected, abs=POINTS)


@pytest.mark.parametrize(("year", "expected"), [(2010, 1.0), (2014, 0.0)])
def test_columns_of_2012_are_empty_before_and_full_after(year, expected):
    shares = null_shares(vintage(12 * year, 12 * year + 11))
    always_partly = {name for name, share in NATURAL_NULLS.items() if share > POINTS}
    columns = BUREAU_2012 - always_partly if expected == 0 else BUREAU_2012
    assert all(abs(shares[name] - expected) <= POINTS for name in columns)


def test_columns_of_2015_start_in_december():
    before = null_shares(vintage(12 * 2015 + 10, 12 * 2015 + 10))
    after = null_shares(vintage(12 * 2015 + 11, 12 * 2015 + 11))
    assert all(before[name] == 1 for name in BUREAU_2015)
    assert all(after[name] < 0.18 for name in BUREAU_2015)


def test_joint_applicants_come_late_and_second_scores_later():
    early = null_shares(vintage(12 * 2015, 12 * 2015 + 8))
    first = null_shares(vintage(12 * 2016, 12 * 2016 + 11))
    late = null_shares(vintage(12 * 2018, 12 * 2018 + 11))
    assert early["annual_inc_joint"] == 1
    assert 0.94 < first["annual_inc_joint"] < 0.96
    assert first["sec_app_open_acc"] == 1
    assert all(0.83 < late[name] < 1 for name in SECOND_APPLICANT)


def test_core_columns_are_full_apart_from_events_that_never_happened():
    shares = null_shares(vintage(12 * 2016, 12 * 2016 + 11))
    events = {"mths_since_last_delinq", "mths_since_last_record"}
    assert all(shares[name] < 0.01 for name in BUREAU_CORE - events)
    assert 0.4 < shares["mths_since_last_delinq"] < shares["mths_since_last_record"] < 0.9
