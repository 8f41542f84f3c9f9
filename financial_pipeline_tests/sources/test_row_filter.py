"""Whole records pass the filter unchanged; the others get a reason."""

import csv
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from financial_pipeline.sources.lending_club import note_kind
from financial_pipeline.sources.physical_lines import count_bytes
from financial_pipeline.sources.row_filter import classify, filter_rows

HEADER = ["loan_amnt", "term", "int_rate"]
FIELD = st.text(st.sampled_from('ab ,"\n1é'), max_size=5)
ROWS = st.lists(st.lists(FIELD, min_size=3, max_size=3))


@settings(deadline=None)
@given(ROWS)
def test_filter_passes_rows_of_a_csv_writer(rows: list[list[str]]) -> None:
    filled = [row for row in rows if any(field.strip() for field in row)]
    with TemporaryDirectory() as folder:
        plain, clean = Path(folder) / "plain.csv", Path(folder) / "clean.csv"
        with plain.open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream, lineterminator="\n").writerows([HEADER, *rows])
        filtered = filter_rows(plain, HEADER, 1, lambda fields, header: None, clean)
        with clean.open(encoding="utf-8", newline="") as stream:
            assert list(csv.reader(stream)) == filled
        physical_lines = count_bytes(plain).physical_lines
    apart = sum(finding.physical_lines for finding in filtered.findings)
    assert sum(filtered.spans) + apart == physical_lines - 1


@pytest.mark.parametrize(
    ("fields", "verdict"),
    [
        (["5000", " 36 months", "10.65"], None),
        (HEADER, (True, "repeated_header")),
        ([], (True, "blank")),
        ([" "], (True, "blank")),
        (["", "", ""], (False, "empty_row")),
        (["", ""], (False, "empty_row")),
        (["5000", " 36 months"], (False, "too_few_fields")),
        (["5000", " 36 months", "1", "2"], (False, "too_many_fields")),
        (None, (False, "unclosed_quote")),
        (["Loans that do not meet the credit policy"], (True, "section")),
        (["Total amount funded in policy code 2: 0", "", ""], (True, "footer")),
        (["41", "Total amount funded in policy code 2: 0", ""], (True, "footer")),
        (["a", "Total amount funded in policy code 2: 0"], (False, "too_few_fields")),
        (["Notes offered by Prospectus (https://...)"], (True, "note")),
    ],
)
def test_judge_names_each_record(
    fields: list[str] | None, verdict: tuple[bool, str] | None
) -> None:
    assert classify(fields, HEADER, note_kind) == verdict
