"""Bad loan files: each is quarantined or refused with one clear sentence; the next run is clean."""

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from financial_pipeline.errors import PipelineError, RefusedFile
from financial_pipeline.schemas.lending_club import LOAN_COLUMNS
from financial_pipeline.staging import reading
from financial_pipeline.staging.loans import FOOTER_ROWS
from financial_pipeline_tests.loan_text import header, line, loan, loan_file, write
from financial_pipeline_tests.staging.loan_stage import LoanStage

COMMAS = "," * (len(LOAN_COLUMNS) - 1)
SOUND = [line(loan(number)) for number in range(300)]


def _bytes(content: bytes) -> Callable[[Path], Path]:
    def build(path: Path) -> Path:
        path.write_bytes(content)
        return path

    return build


def _lines(*lines: str) -> Callable[[Path], Path]:
    return lambda path: write(path, [header(), *SOUND, *lines])


HOPELESS = {
    "empty": (_bytes(b""), "is empty"),
    "zero_byte_gzip": (_bytes(gzip.compress(b"")), "contains no text"),
    "html": (_bytes(b"<!doctype html><title>Sign in</title>"), "is a web page"),
    "wrong_delimiter": (_bytes(header().replace(",", ";").encode()), "not comma-separated"),
    "bare_commas": (_lines(*[COMMAS] * 300), r"300 of its 600 rows .*empty_row 300.* 1.0%"),
    "mangled": (_lines(*[line(loan(9, issue_d="18-Dec"))] * 4), r"4 of its 304 .*mangled_date 4"),
    "short": (_lines(*["1,2,3"] * 4), r"too_few_fields 4.* first of them is line 302"),
    "header_only": (lambda path: loan_file(path, []), "no loans"),
}  # fmt: skip


@pytest.mark.parametrize("case", HOPELESS)
def test_hopeless_file_is_refused_and_the_last_staging_stays(tmp_path: Path, case: str) -> None:
    build, sentence = HOPELESS[case]
    stage = LoanStage(tmp_path / "data")
    good = loan_file(tmp_path / "good.csv", [loan(1)])
    stage.stage(good)
    before = {p: p.read_bytes() for p in (tmp_path / "data").rglob("[!.]*.parquet") if p.is_file()}
    with pytest.raises(PipelineError, match=sentence) as refusal:
        stage.stage(build(tmp_path / "bad.csv.gz"))
    assert "bad.csv.gz" in str(refusal.value)
    assert all(path.read_bytes() == content for path, content in before.items() if path.exists())
    assert stage.loan_ids() == ["1001"]
    stage.stage(good)
    assert stage.loan_ids() == ["1001"]


def test_refusal_names_the_file_in_the_archive(tmp_path: Path) -> None:
    stage = LoanStage(tmp_path / "data")
    with pytest.raises(RefusedFile) as refusal:
        stage.stage(_lines(*[COMMAS] * 9)(tmp_path / "bad.csv"))
    assert refusal.value.sha256 == stage.files[0].sha256


def test_truncated_last_line_is_quarantined_below_the_limit(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", [header(), *SOUND])
    path.write_text(path.read_text() + line(loan(999))[:200])
    stage = LoanStage(tmp_path / "data")
    assert stage.stage(path).quarantined == 1
    (row,) = stage.accounting()
    assert (row["staged"], row["quarantined"]) == (300, {"too_few_fields": 1})


def test_exactly_the_limit_may_be_quarantined(tmp_path: Path) -> None:
    stage = LoanStage(tmp_path / "data")
    assert stage.stage(write(tmp_path / "a.csv", [header(), *SOUND[:99], COMMAS])).quarantined == 1
    with pytest.raises(RefusedFile, match="1 of its 99 rows"):
        stage.stage(write(tmp_path / "b.csv", [header(), *SOUND[:98], COMMAS]))


def test_one_fraction_among_rates_in_per_cent_breaks_a_rule(tmp_path: Path) -> None:
    stage = LoanStage(tmp_path / "data", lenient=True)
    stage.stage(loan_file(tmp_path / "a.csv", [loan(1, int_rate="0.14"), loan(2)]))
    assert stage.accounting()[0]["quarantined"] == {"int_rate_out_of_range": 1}
    assert stage.loan_ids() == ["1002"]


def test_footer_that_disagrees_is_a_warning_and_one_that_agrees_a_remark(tmp_path: Path) -> None:
    stage = LoanStage(tmp_path / "data")
    footer = "Total amount funded in policy code 1: {}" + COMMAS
    right = write(tmp_path / "a.csv", [header(), SOUND[0], footer.format(3600)])
    summary = stage.stage(right)
    assert (len(summary.remarks), summary.warnings) == (1, ())
    wrong = write(tmp_path / "b.csv", [header(), SOUND[0], footer.format(3601)])
    (warning,) = stage.stage(wrong).warnings
    assert "claim 3,601 dollars" in warning
    assert "3,600 (funded_amnt)" in warning


@pytest.mark.parametrize(
    ("column", "value", "sentence"),
    [
        ("revol_util", "0.297", "revol_util has a median of 29.7 and 20% values up to 1,"),
        ("dti", "0.0591", "dti has a median of 5.91 and 20% values up to 1,"),
        ("int_rate", "0.1399", r"8 of its 40 rows break a rule \(int_rate_out_of_range 8\)"),
    ],
)
def test_per_cent_that_are_fractions_in_some_rows_are_refused(
    tmp_path: Path, column: str, value: str, sentence: str
) -> None:
    rows = [loan(n, **({} if n % 5 else {column: value})) for n in range(40)]
    with pytest.raises(RefusedFile, match=sentence):
        LoanStage(tmp_path / "data").stage(loan_file(tmp_path / "a.csv", rows))


def test_a_few_small_per_cent_are_what_they_are(tmp_path: Path) -> None:
    rows = [loan(n, **({} if n % 10 else {"revol_util": "0.9"})) for n in range(40)]
    stage = LoanStage(tmp_path / "data")
    stage.stage(loan_file(tmp_path / "a.csv", rows))
    assert stage.table("lending_club_loans")["revol_util"].sum() == pytest.approx(36 * 29.7 + 3.6)


def graded(number: int, **changes: str) -> dict[str, str]:
    """Return a loan whose rate is that of its sub grade, and its installment that of its rate."""
    rate = 6 + 0.37 * (number % 20)
    monthly = rate / 1200
    payment = f"{3600 * monthly / (1 - (1 + monthly) ** -36):.2f}"
    grade = "ABCD"[number % 20 // 5]
    columns = {
        "int_rate": f"{rate:.2f}",
        "installment": payment,
        "grade": grade,
        "sub_grade": f"{grade}{number % 5 + 1}",
    }
    return loan(number, **(columns | changes))


def test_columns_of_one_loan_are_read(tmp_path: Path) -> None:
    stage = LoanStage(tmp_path / "data")
    stage.stage(loan_file(tmp_path / "a.csv", [graded(n) for n in range(60)]))
    assert len(stage.loan_ids()) == 60


def test_one_mistyped_rate_is_quarantined_and_refuses_no_file(tmp_path: Path) -> None:
    stage = LoanStage(tmp_path / "data")
    rows = [graded(n, **({"int_rate": "1099"} if n == 0 else {})) for n in range(200)]
    stage.stage(loan_file(tmp_path / "a.csv", rows))
    assert len(stage.loan_ids()) == 199


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        # A column that was sorted alone, rounded, or of two units.
        (
            lambda n: {"installment": f"{115 * (0.5 + n % 20 / 20):.2f}"},
            "monthly payment on funded_amnt",
        ),
        (
            lambda n: {name: graded(59 - n)[name] for name in ("grade", "sub_grade")},
            r"does not rise with sub_grade \(correlation -1.00\)",
        ),
        (lambda n: {"int_rate": f"{float(graded(n)['int_rate']):.0f}"}, "whole per cents only"),
        (lambda n: {"annual_inc": "4583.33"} if n % 3 == 0 else {}, "5,000 dollars for 33% of"),
        # Columns that are swapped, and one that was written over another.
        (lambda n: {"open_acc": "13", "total_acc": "7"}, "total_acc for 100% of the loans"),
        (
            lambda n: {"last_pymnt_d": "Dec-2015"} if n % 2 else {},
            "last_pymnt_d is issue_d for 50% of the loans that paid interest of more than 3 months",
        ),
    ],
)
def test_columns_that_do_not_fit_each_other_are_refused(
    tmp_path: Path, changes: Callable[[int], dict[str, str]], sentence: str
) -> None:
    rows = [graded(n, **changes(n)) for n in range(60)]
    with pytest.raises(RefusedFile, match=sentence):
        LoanStage(tmp_path / "data").stage(loan_file(tmp_path / "a.csv", rows))


def test_rates_of_two_grades_may_fall_with_the_sub_grade(tmp_path: Path) -> None:
    # Rates of a grade move over the years.
    rows = [
        graded(n % 10, id=str(n), revol_bal=str(2000 + n))
        | {"sub_grade": graded(9 - n % 10)["sub_grade"]}
        for n in range(60)
    ]
    rows = [row | {"grade": row["sub_grade"][0]} for row in rows]
    stage = LoanStage(tmp_path / "data")
    stage.stage(loan_file(tmp_path / "a.csv", rows))
    assert len(stage.loan_ids()) == 60


def test_loans_that_are_paid_back_in_their_first_month_are_possible(tmp_path: Path) -> None:
    paid = {"last_pymnt_d": "Dec-2015", "total_rec_int": "12.5", "total_pymnt": "3612.5"}
    stage = LoanStage(tmp_path / "data")
    stage.stage(loan_file(tmp_path / "a.csv", [graded(n, **paid) for n in range(60)]))
    assert len(stage.loan_ids()) == 60


def test_a_few_low_incomes_are_possible(tmp_path: Path) -> None:
    rows = [graded(n, **({"annual_inc": "4500"} if n % 7 == 0 else {})) for n in range(60)]
    stage = LoanStage(tmp_path / "data")
    stage.stage(loan_file(tmp_path / "a.csv", rows))
    assert len(stage.loan_ids()) == 60


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_two_rows_without_values_are_footers_of_a_file_without_ids(
    tmp_path: Path, rows: int
) -> None:
    lines = [header(), *(line(loan(n)) for n in range(60)), *[COMMAS] * rows]
    path, stage = write(tmp_path / "a.csv", lines), LoanStage(tmp_path / "data")
    if rows != FOOTER_ROWS:
        with pytest.raises(RefusedFile, match=f"empty_row {rows}"):
            stage.stage(path)
    else:
        assert (stage.stage(path).rows, stage.table("quarantine").height) == (60, rows)


def test_a_file_of_broken_rows_alone_is_counted_in_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MOST_NOTES", 5)
    path = loan_file(tmp_path / "a.csv", [loan(n, loan_status="Paid") for n in range(20)])
    with pytest.raises(
        RefusedFile, match=r"20 of its 20 rows break a rule \(unknown_loan_status 20"
    ):
        LoanStage(tmp_path / "data").stage(path)
