"""Files of simulated loans: layouts, oddities, and the same bytes for the same seed."""

import subprocess
import sys
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from financial_pipeline.schemas.lending_club import LOAN_COLUMNS
from financial_pipeline.simulator import loan_layouts
from financial_pipeline.simulator.loan_columns import CHUNK_LOANS, draw_chunk, snapshot_rows
from financial_pipeline.simulator.loan_files import (
    LAST_SNAPSHOT,
    write_accepted_file,
    write_loan_files,
    write_mangled_file,
)
from financial_pipeline.simulator.loan_layouts import (
    COLUMNS_145,
    NO_QUIRKS,
    NOTE_LINE,
    SECTION_LINE,
    Layout,
    Quirks,
    with_odd_values,
)

LOANS = 2_000
SEED = 5


def written(folder: Path, layout: Layout, quirks: Quirks = NO_QUIRKS) -> list[str]:
    path = folder / f"{layout}.csv"
    write_loan_files({path: LAST_SNAPSHOT}, loans=LOANS, seed=SEED, layout=layout, quirks=quirks)
    return path.read_text("utf-8").split("\n")


def test_accepted_layout_reads_back_as_the_151_columns(tmp_path):
    path = tmp_path / "accepted.csv"
    write_accepted_file(path, loans=LOANS, seed=SEED, quirks=NO_QUIRKS)
    rows = pl.read_csv(path, infer_schema=False)
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
        write_accepted_file(path, loans=LOANS, seed=seed)
    contents = [path.read_bytes() for path in paths]
    assert contents[0] == contents[1] != contents[2]


def test_file_does_not_depend_on_the_other_snapshots(tmp_path):
    alone, together, other = (tmp_path / name for name in ("a.csv", "b.csv", "c.csv"))
    write_accepted_file(alone, loans=LOANS, seed=SEED)
    write_loan_files({other: date(2018, 5, 1), together: LAST_SNAPSHOT}, loans=LOANS, seed=SEED)
    assert alone.read_bytes() == together.read_bytes()


def test_chunk_drawn_alone_is_its_part_of_the_whole_file(tmp_path):
    path, loans = tmp_path / "whole.csv", CHUNK_LOANS + 3_000
    write_accepted_file(path, loans=loans, seed=SEED, quirks=NO_QUIRKS)
    part = snapshot_rows(draw_chunk(SEED, loans, 1), 12 * 2019 + 2)
    text = part.write_csv(include_header=False)
    assert part.height == 3_000
    assert path.read_text("utf-8").endswith(text)


def test_snapshot_holds_the_loans_issued_up_to_its_month(tmp_path):
    path = tmp_path / "early.csv"
    write_accepted_file(path, loans=LOANS, seed=SEED, snapshot=date(2016, 6, 1), quirks=NO_QUIRKS)
    issued = pl.read_csv(path, infer_schema=False)["issue_d"].str.to_date("%b-%Y", strict=True)
    assert 0 < issued.len() < LOANS
    assert issued.max() == date(2016, 6, 1)


def test_latest_date_of_a_file_is_its_snapshot_month(tmp_path):
    path = tmp_path / "one.csv"
    for snapshot in (date(2018, 3, 1), LAST_SNAPSHOT):
        write_accepted_file(path, loans=LOANS, seed=SEED, snapshot=snapshot, quirks=NO_QUIRKS)
        rows = pl.read_csv(path, infer_schema=False)
        for column in ("last_pymnt_d", "last_credit_pull_d"):
            months = rows[column].str.to_date("%b-%Y", strict=True)
            assert months.max() == snapshot
            assert (rows["issue_d"].str.to_date("%b-%Y") <= months.fill_null(snapshot)).all()


def test_loanstats_layout_has_note_section_blanks_and_totals(tmp_path):
    lines = written(tmp_path, Layout.LOANSTATS)
    section = lines.index(SECTION_LINE)
    assert lines[0] == NOTE_LINE
    assert lines[1] == ",".join(f'"{name}"' for name in COLUMNS_145)
    assert lines[section - 2 : section] == ["", ""]
    assert lines[-5:-3] == ["", ""]
    assert lines[-3].startswith("Total amount funded in policy code 1: ")
    assert lines[-2:] == ["Total amount funded in policy code 2: 0", ""]
    exceptions = [line for line in lines if "Does not meet the credit policy. Status:" in line]
    assert lines[section + 1 : -5] == exceptions
    assert len(lines) == 2 + LOANS + 5 + 2 + 1


def test_loanstats_values_are_quoted_with_percent_signs_and_without_ids(tmp_path):
    path = tmp_path / "loanstats.csv"
    lines = written(tmp_path, Layout.LOANSTATS)
    rows = pl.read_csv(path, infer_schema=False, skip_rows=1, n_rows=LOANS - 10)
    assert rows["int_rate"].str.contains(r"^ {1,2}\d{1,2}\.\d\d%$").all()
    assert rows["revol_util"].str.contains(r"^\d+(\.\d)?%$").mean() > 0.99
    assert rows["loan_amnt"].str.contains(r"^\d+$").all()
    assert rows["id"].is_in(["", None], nulls_equal=True).all()
    assert "n/a" in rows["emp_length"].to_list()
    assert lines[2].startswith('"","","')


def test_footer_total_is_the_sum_of_funded_amounts(tmp_path):
    lines = written(tmp_path, Layout.LOANSTATS)
    rows = snapshot_rows(draw_chunk(SEED, LOANS, 0), 12 * 2019 + 2)
    assert lines[-3].split(": ")[1] == f"{rows['funded_amnt'].sum():.0f}"


def test_loan_csv_layout_has_145_columns_and_no_ids(tmp_path):
    written(tmp_path, Layout.LOAN_CSV)
    rows = pl.read_csv(tmp_path / "loan_csv.csv", infer_schema=False)
    assert rows.columns == list(COLUMNS_145)
    assert rows.height == LOANS
    assert all(rows[name].null_count() == LOANS for name in ("id", "member_id"))
    assert set(rows["url"]) == {"simulated.invalid"}


def test_percent_strings_can_be_switched_on_in_the_accepted_layout(tmp_path):
    written(tmp_path, Layout.ACCEPTED, Quirks(False, False, percent_strings=True))
    rows = pl.read_csv(tmp_path / "accepted.csv", infer_schema=False)
    assert rows["int_rate"].str.ends_with("%").all()


def test_footers_of_the_accepted_layout_are_padded_to_its_width(tmp_path):
    lines = written(tmp_path, Layout.ACCEPTED, Quirks(odd_values=False, footers=True))
    assert [line.count(",") for line in lines[-3:-1]] == [150, 150]


def test_duplicates_are_identical_rows(tmp_path):
    path = tmp_path / "accepted.csv"
    write_accepted_file(path, loans=20_000, seed=SEED, quirks=Quirks(False, False, duplicates=True))
    lines = path.read_text("utf-8").splitlines()[1:]
    ids = [line.split(",", 1)[0] for line in lines]
    assert len(set(ids)) == len(set(lines)) == 20_000 < len(lines)


def test_footer_total_counts_a_repeated_loan_once(tmp_path, monkeypatch):
    monkeypatch.setattr(loan_layouts, "DUPLICATE_SHARE", 0.05)
    plain = written(tmp_path, Layout.LOAN_CSV, Quirks(odd_values=False))
    repeated = written(tmp_path, Layout.LOAN_CSV, Quirks(odd_values=False, duplicates=True))
    assert len(repeated) > len(plain) + 50
    assert plain[-3] == repeated[-3]


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


def test_mangled_file_has_dates_that_a_spreadsheet_made(tmp_path):
    path = tmp_path / "mangled.csv"
    write_mangled_file(path, loans=300, seed=SEED)
    text = path.read_bytes().decode()
    assert text.count("\r\n") == text.count("\n")
    rows = pl.read_csv(path, infer_schema=False, skip_rows=1, n_rows=280)
    assert rows["issue_d"].str.contains(r"^[1-9]\d?-[A-Z][a-z]{2}$").all()
    assert rows["earliest_cr_line"].str.contains(r"^([1-9]\d?-[A-Z]\w\w|[A-Z]\w\w-\d\d)?$").all()


def test_layouts_of_the_real_files_have_the_same_header(shared_data, tmp_path):
    real = shared_data / "lendingclub" / "accepted_sample_1000_Dec2015.csv"
    with real.open(encoding="utf-8") as file:
        assert file.readline().strip() == written(tmp_path, Layout.ACCEPTED)[0]


PEAK_PROGRAM = """
import resource, sys
from pathlib import Path
from financial_pipeline.simulator.loan_files import write_accepted_file
write_accepted_file(Path(sys.argv[1]), loans=int(sys.argv[2]), seed=1)
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
