"""Files of simulated loans: their form, oddities, and the same bytes for the same seed."""

import subprocess
import sys
from datetime import date

import numpy as np
import polars as pl
import pytest

from financial_pipeline.schemas.lending_club import LOAN_COLUMNS
from financial_pipeline.simulator.loan_columns import CHUNK_LOANS, draw_chunk, snapshot_rows
from financial_pipeline.simulator.loan_files import (
    upstream_chunk,
    with_odd_values,
    write_loan_files,
)

LAST_SNAPSHOT = date(2019, 3, 1)
LOANS = 2_000
SEED = 5


def write(path, *, loans=LOANS, seed=SEED, snapshot=LAST_SNAPSHOT):
    write_loan_files({path: snapshot}, loans=loans, seed=seed)


def read(path):
    """The loans of a file, without the two lines of totals."""
    return pl.read_csv(path, infer_schema=False)[:-2]


def test_file_reads_back_as_the_151_columns(tmp_path):
    path = tmp_path / "accepted.csv"
    write(path)
    rows = read(path)
    assert rows.columns == list(LOAN_COLUMNS)
    assert rows.height == LOANS
    assert rows["id"].n_unique() == LOANS
    first = rows.row(0, named=True)
    assert first["loan_amnt"].endswith(".0")
    assert first["term"] in (" 36 months", " 60 months")
    assert first["url"].endswith(f"loan_id={first['id']}")
    assert first["member_id"] is None


def test_same_seed_writes_the_same_bytes_and_another_seed_other_ones(tmp_path):
    paths = [tmp_path / name for name in ("a.csv", "b.csv", "c.csv")]
    for path, seed in zip(paths, (SEED, SEED, SEED + 1), strict=True):
        write(path, seed=seed)
    contents = [path.read_bytes() for path in paths]
    assert contents[0] == contents[1] != contents[2]


def test_file_does_not_depend_on_the_other_snapshots(tmp_path):
    alone, together, other = (tmp_path / name for name in ("a.csv", "b.csv", "c.csv"))
    write(alone)
    write_loan_files({other: date(2018, 5, 1), together: LAST_SNAPSHOT}, loans=LOANS, seed=SEED)
    assert alone.read_bytes() == together.read_bytes()


def test_chunk_drawn_alone_is_its_part_of_the_whole_file(tmp_path):
    path, loans = tmp_path / "whole.csv", CHUNK_LOANS + 3_000
    write(path, loans=loans)
    part = snapshot_rows(upstream_chunk(SEED, loans, 1), 12 * 2019 + 2)
    text = part.write_csv(include_header=False)
    assert part.height == 3_000
    *lines, _, _ = path.read_text("utf-8").splitlines()
    assert lines[-3_000:] == text.splitlines()


def test_snapshot_holds_the_loans_issued_up_to_its_month(tmp_path):
    path = tmp_path / "early.csv"
    write(path, snapshot=date(2016, 6, 1))
    issued = read(path)["issue_d"].str.to_date("%b-%Y", strict=True)
    assert 0 < issued.len() < LOANS
    assert issued.max() == date(2016, 6, 1)


def test_latest_date_of_a_file_is_its_snapshot_month(tmp_path):
    path = tmp_path / "one.csv"
    for snapshot in (date(2018, 3, 1), LAST_SNAPSHOT):
        write(path, snapshot=snapshot)
        rows = read(path)
        for column in ("last_pymnt_d", "last_credit_pull_d"):
            months = rows[column].str.to_date("%b-%Y", strict=True)
            assert months.max() == snapshot
            assert (rows["issue_d"].str.to_date("%b-%Y") <= months.fill_null(snapshot)).all()


def test_totals_are_the_sum_of_funded_amounts_padded_to_the_width(tmp_path):
    path = tmp_path / "accepted.csv"
    write(path)
    rows = snapshot_rows(draw_chunk(SEED, LOANS, 0), 12 * 2019 + 2)
    total = f"{rows['funded_amnt'].sum():.0f}"
    assert path.read_text("utf-8").splitlines()[-2:] == [
        f"Total amount funded in policy code 1: {total}" + "," * 150,
        "Total amount funded in policy code 2: 0" + "," * 150,
    ]


def test_odd_values_have_their_shares_and_leave_the_rest_alone():
    fixed = draw_chunk(SEED, CHUNK_LOANS, 0).fixed
    odd = with_odd_values(np.random.default_rng(1), pl.concat([fixed] * 8))
    size = odd.height
    assert odd["dti"].null_count() / size == pytest.approx(0.0007, abs=0.0003)
    assert (odd["dti"] == 999).sum() > 0
    assert (odd["annual_inc"] == 0).sum() > 0
    assert (odd["annual_inc"] == 9_000_000).sum() > 0
    assert (odd["revol_util"] > 130).sum() > 0
    changed = (odd["dti"].ne_missing(pl.concat([fixed] * 8)["dti"])).mean()
    assert changed < 0.002


def test_header_is_that_of_the_real_file(shared_data, tmp_path):
    real = shared_data / "lendingclub" / "accepted_sample_1000_Dec2015.csv"
    write(tmp_path / "accepted.csv", loans=1)
    with real.open(encoding="utf-8") as file:
        assert file.readline().strip() == ",".join(read(tmp_path / "accepted.csv").columns)


PEAK_PROGRAM = """
import resource, sys
from datetime import date
from pathlib import Path
from financial_pipeline.simulator.loan_files import write_loan_files
write_loan_files({Path(sys.argv[1]): date(2019, 3, 1)}, loans=int(sys.argv[2]), seed=1)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def test_memory_does_not_grow_with_the_number_of_loans(tmp_path):
    peaks = {}
    for loans in (CHUNK_LOANS, 5 * CHUNK_LOANS):
        command = [sys.executable, "-c", PEAK_PROGRAM, str(tmp_path / "a.csv"), str(loans)]
        run = subprocess.run(command, capture_output=True, text=True, check=True)
        peaks[loans] = int(run.stdout)
    # Another 100,000 rows in memory would take 120 MB and more.
    assert peaks[5 * CHUNK_LOANS] - peaks[CHUNK_LOANS] < 60
