"""Every physical line of a loan file is staged, quarantined with a reason, or a note."""

from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from financial_pipeline.schemas.lending_club import LOAN_COLUMNS
from financial_pipeline_tests.loan_text import header, line, loan, write
from financial_pipeline_tests.staging.loan_stage import LoanStage

COMMAS = "," * (len(LOAN_COLUMNS) - 1)
# Kind of line: its text from a running number, the physical lines it spans, where it must go.
KINDS = {
    "sound": (lambda n: line(loan(n)), 1, "staged"),
    "two_lines": (lambda n: line(loan(n, desc='first, "x"\nsecond')), 2, "staged"),
    "blank": (lambda n: "", 1, "blank"),
    "section": (lambda n: "Loans that do not meet the credit policy", 1, "section"),
    "footer": (lambda n: f"Total amount funded in policy code 2: 0{COMMAS}", 1, "footer"),
    "header": (lambda n: header(), 1, "repeated_header"),
    "early": (lambda n: line(loan(n, issue_d="May-2007", earliest_cr_line="Jan-1999")), 1,
              "before_first_month"),
    "commas": (lambda n: COMMAS, 1, "empty_row"),
    "mangled": (lambda n: line(loan(n, issue_d="18-Dec")), 1, "mangled_date"),
    "short": (lambda n: line(loan(n)).removesuffix(","), 1, "too_few_fields"),
    "long": (lambda n: line(loan(n)) + ",", 1, "too_many_fields"),
    "junk": (lambda n: line(loan(n, revol_bal="abc")), 1, "unreadable_number"),
    "open": (lambda n: '"' + line(loan(n, emp_title="x")), 1, "unclosed_quote"),
}  # fmt: skip


@settings(deadline=None, max_examples=25)
@given(st.lists(st.sampled_from(sorted(KINDS)), max_size=8), st.booleans())
def test_accounting_adds_up_whatever_stands_in_the_file(kinds: list[str], ended: bool) -> None:
    kinds = ["sound", *kinds, "sound"]
    lines = [header(), *(KINDS[kind][0](number) for number, kind in enumerate(kinds))]
    expected = {"header": 1}
    for kind in kinds:
        _, span, goal = KINDS[kind]
        expected[goal] = expected.get(goal, 0) + span
    with TemporaryDirectory() as folder:
        path = write(Path(folder) / "a.csv", lines)
        if not ended:
            path.write_text(path.read_text().removesuffix("\n"))
        stage = LoanStage(Path(folder) / "data", lenient=True)
        stage.stage(path)
        (row,) = stage.accounting()
        refused = stage.table("quarantine")
        assert stage.table("lending_club_loans").height == kinds.count("sound") + kinds.count(
            "two_lines"
        )
    assert row["unexplained"] == 0
    assert row["physical_lines"] == sum(expected.values())
    assert {"staged": row["staged"], **row["quarantined"], **row["notes"]} == expected
    texts = "\n".join([*lines, ""])
    assert all(text in texts for text in refused["original_text"])


def test_quarantined_row_keeps_its_line_number_and_text(tmp_path: Path) -> None:
    bad = line(loan(2, issue_d="18-Dec"))
    stage = LoanStage(tmp_path / "data", lenient=True)
    stage.stage(write(tmp_path / "a.csv", [header(), line(loan(1, desc="x\ny")), bad]))
    (row,) = stage.table("quarantine").rows(named=True)
    assert (row["line_number"], row["physical_lines"], row["reason"]) == (4, 1, "mangled_date")
    assert row["original_text"] == bad
    assert row["file_name"] == "a.csv"


def test_lines_after_a_quoted_newline_keep_their_numbers(tmp_path: Path) -> None:
    rows = [loan(1), loan(2, desc="x\ny"), loan(3, loan_status="Paid"), loan(4)]
    stage = LoanStage(tmp_path / "data", lenient=True)
    stage.stage(write(tmp_path / "a.csv", [header(), *map(line, rows)]))
    assert stage.table("quarantine")["line_number"].to_list() == [5]
    assert stage.table("lending_club_loans")["line_number"].to_list() == [2, 3, 6]
    assert stage.accounting()[0]["staged"] == 4


def test_fast_and_careful_reading_give_the_same_loans(tmp_path: Path) -> None:
    lines = [header(), *(line(loan(n, emp_title="a, b")) for n in range(5))]
    clean, ragged = LoanStage(tmp_path / "clean"), LoanStage(tmp_path / "ragged", lenient=True)
    clean.stage(write(tmp_path / "a.csv", lines))
    ragged.stage(write(tmp_path / "b.csv", [*lines, "1,2"]))
    tables = [stage.table("lending_club_loans").drop("file_sha256") for stage in (clean, ragged)]
    assert tables[0].equals(tables[1])
    assert tables[0]["line_number"].to_list() == [2, 3, 4, 5, 6]


def test_carriage_returns_are_line_ends_and_no_data(tmp_path: Path) -> None:
    stage = LoanStage(tmp_path / "data")
    stage.stage(write(tmp_path / "a.csv", [header(), line(loan(1)), ""], end="\r\n"))
    (row,) = stage.accounting()
    assert (row["physical_lines"], row["staged"], row["notes"]) == (3, 1, {"header": 1, "blank": 1})
    assert (
        stage.table("lending_club_loans")
        .select(pl.all().cast(pl.String).str.contains("\r").any())
        .sum_horizontal()
        .item()
        == 0
    )


def test_short_line_is_found_though_another_line_has_a_comma_too_many(tmp_path: Path) -> None:
    stage = LoanStage(tmp_path / "data", lenient=True)
    short, odd = line(loan(1)).removesuffix(","), line(loan(2, purpose="car, used"))
    stage.stage(write(tmp_path / "a.csv", [header(), short, odd]))
    assert stage.accounting()[0]["quarantined"] == {"too_few_fields": 1}
    assert stage.table("lending_club_loans")["purpose"].to_list() == ["car, used"]


def test_a_column_of_row_numbers_changes_nothing_that_is_staged(tmp_path: Path) -> None:
    rows = [loan(1), loan(2, desc="a, b"), loan(3, issue_d="18-Dec")]
    plain = write(tmp_path / "a.csv", [header(), *(line(row) for row in rows)])
    numbered = write(
        tmp_path / "b.csv",
        [f",{header()}", *(f"{number},{line(row)}" for number, row in enumerate(rows))],
    )
    staged = []
    for path in (plain, numbered):
        stage = LoanStage(tmp_path / path.stem, lenient=True)
        stage.stage(path)
        loans = stage.table("lending_club_loans").sort("loan_id")
        staged.append(loans.select("loan_id", *LOAN_COLUMNS))
        (row,) = stage.accounting()
        assert row["quarantined"] == {"mangled_date": 1}
    assert staged[0].equals(staged[1])
