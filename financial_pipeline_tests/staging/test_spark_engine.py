"""Spark stages loan files as Polars does: values, types, reasons, accounting and refusals."""

from pathlib import Path
from typing import Final

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from pyspark.sql import SparkSession

from financial_pipeline.bench.engines import TABLES, stage_file, tables
from financial_pipeline.bench.staging import SNAPSHOT
from financial_pipeline.errors import RefusedFile
from financial_pipeline.schemas.lending_club import LOAN_COLUMNS
from financial_pipeline.schemas.staging import LENDING_CLUB_LOANS
from financial_pipeline.settings import Engine, Settings
from financial_pipeline.simulator.loan_files import write_loan_files
from financial_pipeline.spark import session
from financial_pipeline_tests.loan_text import SOUND, header, line, loan, write

# Every way to write a number that some parser takes and another does not.
NUMBERS: Final = (
    "5|5.0|5.|.5|+5|-5|-0.0|1e3|1E+03|5.e1|007|4.9e-325|0.1|123456.789|1e22|1e-7|"
    "2.2250738585072014e-308|9007199254740993|.|+|e5|1e|1e+|--1|1_0|1,0|1 0|1d|1f|1D|1L|"
    "0x10|0x1p3|inf|-inf|Infinity|nan|NaN|1e400|1e300|7.5|½|٣|9223372036854775807|"
    "-9223372036854775808|9223372036854774784|null|None| 5.0|5.0 |\xa05.0|\t5.0\u2003| |"
    "   |\u200b5|5%| 5.5% |5 %"
).split("|")
MONTHS: Final = (
    "Dec-2015|dec-2015|DEC-2015|18-Dec|Dec-15| Dec-2015|Dec-2015 |Sept-2015|Dec-1899|"
    "Jan-1900|Dec-2099|Jan-2100|2015-12-01|Dec 2015|12-2015|De-2015|JanF-2015|anF-2015|"
    "Dec-02015| "
).split("|")
WORDS: Final = {
    "term": (
        " 36 months",
        "36 months",
        "36",
        "36.0",
        "60 months ",
        "\u00a060 months",
        "48",
        "36.5",
        "36months",
        " 36  months",
        "months",
        "036",
        " ",
    ),
    "emp_length": ("< 1 year", "1 year", "10+ years", "n/a", "1 years", " 1 year", "eleven", " "),
    "loan_status": (
        "Fully Paid",
        " Fully Paid ",
        "Does not meet the credit policy. Status:Default",
        "Does not meet the credit policy.  Status: Charged Off",
        "Status:Current",
        "Paid",
        " Does not meet the credit policy. Status:Default",
        "Does not meet the credit policy.",
        "default",
        " ",
    ),
    "grade": ("C", " C", "c", "B", " ", "C4"),
    "sub_grade": ("C1", "C6", "c4", "B4", " C4 ", " "),
    "id": ("1001.0", "1001", " 1002 ", "1001.00", " ", "x.0"),
    "emp_title": (" Nurse ", "\u2003Nurse\u00a0", "   ", "a\u200b ", "Ärztin, Kinder"),
    "purpose": (" car ", " ", "small_business"),
    "int_rate": ("3.99", "4", "36", "36.01", "13.99%", " 13.99 %"),
}
# Values at and beyond the bounds of a column.
BOUNDED: Final = {
    "annual_inc": ("0", "0.004", "0.01"),
    "annual_inc_joint": ("-1", "0.004", "1e9", "1e17"),
    "loan_amnt": ("0", "99", "100", "100000", "400000"),
    "sec_app_earliest_cr_line": ("Jan-2091", "Jan-1903", "Dec-2015"),
    "last_credit_pull_d": ("Mar-1919", "Jan-2006"),
    "mort_acc": ("-5", "0"),
    "mths_since_last_delinq": ("-3", "0"),
    "bc_util": ("-1", "1000", "5000000"),
}


def odd_loans() -> list[dict[str, str]]:
    """One loan for each odd value, and for each value that is absent."""
    changes = [
        *((name, value) for name in ("annual_inc", "open_acc", "revol_util") for value in NUMBERS),
        *((name, value) for name in ("issue_d", "last_pymnt_d") for value in MONTHS),
        *(
            ("earliest_cr_line", value)
            for value in ("Jan-2016", "Dec-1929", "Jan-1930", "Dec-2015")
        ),
        *(("issue_d", value) for value in ("May-2007", "Jun-2007")),
        *((name, value) for name, values in BOUNDED.items() for value in values),
        *((name, value) for name, values in WORDS.items() for value in values),
        *((name, "") for name in ("id", "loan_amnt", "loan_status", "issue_d", "term", "grade")),
        *((name, "") for name in ("sub_grade", "int_rate", "emp_length", "earliest_cr_line")),
    ]
    early = {"earliest_cr_line": "Jan-1999"}
    return [loan(number, **(early | {name: value})) for number, (name, value) in enumerate(changes)]


LOANS = 4_000
# The odd loans are a larger share of so few than a file may lose.
ODD_SHARE = 0.1
# Every reason that a loan's own values can give, and a repeated id.
REASONS = {
    "unreadable_number",
    "mangled_date",
    "missing_loan_amnt",
    "missing_loan_status",
    "negative_count",
    "missing_issue_d",
    "unknown_loan_status",
    "term_not_36_or_60",
    "int_rate_out_of_range",
    "grade_mismatch",
    "unknown_emp_length",
    "implausible_earliest_cr_line",
    "missing_id",
    "conflicting_id",
    "paid_before_issue",
    "implausible_credit_pull",
    "revol_util_out_of_range",
    "per_cent_out_of_range",
    "date_after_snapshot",
    "amount_out_of_range",
}
ENGINES: Final[tuple[Engine, ...]] = ("spark", "polars")
REAL_FILES = ("accepted_sample_1000_Dec2015.csv", "LoanStats3a_REBUILT.csv.gz")


@pytest.fixture(scope="module", autouse=True)
def spark() -> SparkSession:
    """The one session of all tests, small, joined by what is tested."""
    running = session.start_session("local[1]")
    running.conf.set("spark.sql.shuffle.partitions", "2")
    return running


def by(engine: Engine, source: Path, root: Path, share: float = 0.01) -> dict[str, pl.DataFrame]:
    settings = Settings(loan_staging_engine=engine, max_quarantine_share=share)
    return tables(stage_file(source, root / engine, settings))


def by_both(source: Path, root: Path, share: float = 0.01) -> dict[str, pl.DataFrame]:
    """Return the result of staging if both engines agree; fails if they differ."""
    ours, theirs = (by(engine, source, root, share) for engine in ENGINES)
    for name in TABLES:
        assert_frame_equal(ours[name], theirs[name], check_exact=True)
    return ours


@pytest.mark.slow
def test_simulated_loans_and_every_odd_value_are_staged_alike(tmp_path: Path) -> None:
    source = tmp_path / "accepted.csv"
    write_loan_files({source: SNAPSHOT}, loans=LOANS, seed=3)
    with source.open("a", encoding="utf-8") as stream:
        stream.writelines(line(row) + "\n" for row in odd_loans())
    tables = by_both(source, tmp_path, share=ODD_SHARE)
    assert tables["lending_club_loans"].schema == pl.Schema(LENDING_CLUB_LOANS)
    assert set(tables["quarantine"]["reason"]) == REASONS
    assert tables["lending_club_loans"].height > LOANS + 100
    notes = tables["row_accounting"].filter(category="note")["reason"]
    assert "before_first_month" in notes.to_list()


@pytest.mark.slow
def test_lines_that_are_no_loans_are_told_apart_alike(tmp_path: Path) -> None:
    lines = [
        header(),
        line(loan(1)),
        line(loan(2, desc='first, "x"\nsecond')),
        "",
        "a,b",
        "Loans that do not meet the credit policy",
        line(loan(3, revol_bal="1,00")),
        line(loan(4)) + ",",
        "," * (len(LOAN_COLUMNS) - 1),
        header(),
        line(loan(5)),
    ]
    tables = by_both(write(tmp_path / "a.csv", lines), tmp_path, share=1.0)
    assert tables["lending_club_loans"]["loan_id"].to_list() == ["1001", "1002", "1005"]
    assert tables["lending_club_loans"]["desc"][1] == 'first, "x"\nsecond'


def test_loans_without_ids_in_fractions_and_few_columns_are_staged_alike(tmp_path: Path) -> None:
    columns = list(SOUND)
    rows = [
        loan(1, int_rate="0.1399"),
        loan(1, int_rate=".2"),
        loan(1, int_rate="0.1399", title="x"),
    ]
    lines = [header(columns), *(line(row, columns) for row in rows)]
    loans = by_both(write(tmp_path / "a.csv", lines), tmp_path)["lending_club_loans"]
    assert loans["int_rate"].to_list() == [0.1399, 0.2, 0.1399]
    assert loans["loan_id"].str.slice(-1).to_list() == ["1", "1", "2"]
    assert loans["settlement_date"].to_list() == [None] * 3


@pytest.mark.slow
def test_a_dirty_file_is_refused_alike(tmp_path: Path) -> None:
    rows = [loan(1), *(loan(number, grade="B") for number in range(2, 5))]
    source = write(tmp_path / "a.csv", [header(), *(line(row) for row in rows)])
    sentences = []
    for engine in ENGINES:
        with pytest.raises(RefusedFile) as refused:
            by(engine, source, tmp_path)
        sentences.append(str(refused.value))
    assert sentences[0] == sentences[1]
    assert "grade_mismatch 3" in sentences[0]


@pytest.mark.slow
@pytest.mark.parametrize("name", REAL_FILES)
def test_real_loans_are_staged_alike(shared_data: Path, tmp_path: Path, name: str) -> None:
    tables = by_both(shared_data / "lendingclub" / name, tmp_path)
    assert tables["lending_club_loans"].height > 500
