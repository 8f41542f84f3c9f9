"""Rejected applications by application month, every line accounted for."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from financial_pipeline.errors import RefusedFile
from financial_pipeline.paths import Paths
from financial_pipeline.schemas.lending_club import REJECTION_COLUMNS
from financial_pipeline.schemas.staging import LENDING_CLUB_REJECTIONS
from financial_pipeline.settings import Settings
from financial_pipeline.staging import accounting
from financial_pipeline.staging.accounting import StagingSummary
from financial_pipeline.staging.rejections import stage_rejections
from financial_pipeline.staging.row_accounting import by_file, read_accounting
from financial_pipeline.transforms import lending_club_rejections
from financial_pipeline_tests.loan_text import write
from financial_pipeline_tests.staging.loan_stage import raw_file

HEADER = ",".join(REJECTION_COLUMNS)
FIRST, LAST = date(2007, 5, 1), date(2007, 7, 1)


def _row(day: str, amount: str = "1000.0") -> str:
    return f'{amount},{day},"Wedding, small",693.0,10%,481xx,NM,4 years,0.0'


def _stage(root: Path, *paths: Path, lenient: bool = True) -> StagingSummary:
    settings = Settings(max_quarantine_share=1.0 if lenient else 0.01)
    files = [raw_file(path) for path in paths]
    return stage_rejections(Paths(root), files, FIRST, LAST, settings)


def test_each_application_lands_in_its_month(tmp_path: Path) -> None:
    days = ["2007-05-26", "2007-07-01", "2007-05-31"]
    summary = _stage(tmp_path / "d", write(tmp_path / "a.csv", [HEADER, *map(_row, days)]))
    assert summary.partitions == {"2007-05-01": 2, "2007-06-01": 0, "2007-07-01": 1}
    assert summary.newest_event == date(2007, 7, 1)
    folder = tmp_path / "d" / "staging" / "lending_club_rejections"
    parts = {path.stem: pl.read_parquet(path) for path in folder.glob("*.parquet")}
    assert all(part.schema == pl.Schema(LENDING_CLUB_REJECTIONS) for part in parts.values())
    assert parts["2007-05-01"]["line_number"].to_list() == [2, 4]


def test_lines_are_accounted_for(tmp_path: Path) -> None:
    lines = [HEADER, _row("2007-05-26"), "", _row("26-May"), _row("2007-04-30"), "1,2", HEADER]
    path = write(tmp_path / "a.csv", lines)
    assert _stage(tmp_path / "d", path).quarantined == 2
    (row,) = by_file(read_accounting(Paths(tmp_path / "d"), [raw_file(path).sha256]))
    assert (row["unexplained"], row["staged"]) == (0, 1)
    assert row["quarantined"] == {"mangled_date": 1, "too_few_fields": 1}
    assert row["notes"] == {"header": 1, "blank": 1, "before_first_month": 1, "repeated_header": 1}


def test_a_file_that_ends_where_a_sheet_ends_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounting, "SHEET_ROWS", (3,))
    lines = [HEADER, _row("2007-05-26"), _row("2007-05-27"), _row("2007-05-28")]
    (warning,) = _stage(tmp_path / "d", write(tmp_path / "a.csv", lines[:3])).warnings
    assert warning.startswith("a.csv: it has exactly 3 rows, as many as a spreadsheet keeps")
    assert _stage(tmp_path / "d", write(tmp_path / "b.csv", lines)).warnings == ()


def test_a_second_header_is_a_note_only_if_its_columns_are_the_same(tmp_path: Path) -> None:
    rows = [_row(f"2007-05-{day:02d}") for day in range(1, 29)]
    same = write(tmp_path / "a.csv", [HEADER, *rows, HEADER.lower().replace(" ", "_")])
    assert _stage(tmp_path / "d", same).quarantined == 0
    other = HEADER.replace("Zip Code,State", "State,Zip Code")
    joined = write(tmp_path / "b.csv", [HEADER, *rows, other, _row("2007-05-29")])
    with pytest.raises(RefusedFile, match="below its rows is another header"):
        _stage(tmp_path / "d", joined)


def test_parts_of_a_table_share_their_days_and_other_files_do_not(tmp_path: Path) -> None:
    days = [f"2007-05-{day:02d}" for day in range(1, 21)]
    (tmp_path / "table").mkdir()
    parts = [
        write(tmp_path / f"table/part-0000{n}-a1.csv", [HEADER, *map(_row, days[n::2])])
        for n in (0, 1)
    ]
    assert _stage(tmp_path / "d", *parts).rows == 20
    again = write(tmp_path / "table/part-00000-b2.csv", [HEADER, *map(_row, days[1::3])])
    with pytest.raises(RefusedFile, match="differ, which would count twice"):
        _stage(tmp_path / "d", parts[0], again)


def test_states_that_are_none_are_counted(tmp_path: Path) -> None:
    rows = [_row("2007-05-26"), _row("2007-05-27").replace(",NM,", ",New Mexico,")]
    remarks = _stage(tmp_path / "d", write(tmp_path / "a.csv", [HEADER, *rows])).remarks
    assert remarks == ("a.csv: 1 of its 2 applications have an unknown code of a state.",)


def test_units_of_a_long_file_are_those_of_all_its_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lending_club_rejections, "SURVEYED_ROWS", 30)
    rows = [_row(f"2007-05-{n % 28 + 1:02d}", str(1000 + n)) for n in range(90)]
    _stage(tmp_path / "d", write(tmp_path / "a.csv", [HEADER, *rows]))
    for number, sentence in ((30, "has a median of 0.1,"), (60, "33% of Debt-To-Income Ratio are")):
        mixed = [*rows[:number], *(row.replace(",10%,", ",0.1,") for row in rows[number:])]
        with pytest.raises(RefusedFile, match=sentence):
            _stage(tmp_path / "d", write(tmp_path / f"{number}.csv", [HEADER, *mixed]))


def test_dirty_file_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", [HEADER, _row("2007-05-26"), _row("2007-05-27", "much")])
    with pytest.raises(RefusedFile, match=r"1 of its 2 rows .*unreadable_number 1"):
        _stage(tmp_path / "d", path, lenient=False)


def test_files_may_share_a_day_but_not_more(tmp_path: Path) -> None:
    one = write(tmp_path / "a.csv", [HEADER, _row("2007-05-26"), _row("2007-06-02")])
    two = write(tmp_path / "b.csv", [HEADER, _row("2007-06-02"), _row("2007-07-02")])
    assert _stage(tmp_path / "d", one, two).rows == 4
    three = write(tmp_path / "c.csv", [HEADER, _row("2007-06-01"), _row("2007-06-30")])
    with pytest.raises(RefusedFile, match=r"c.csv and .*a.csv both .*06-01 .* 1 of the 1 differ"):
        _stage(tmp_path / "d", one, three)


def test_copy_of_a_file_is_read_once_and_named(tmp_path: Path) -> None:
    days = [HEADER, _row("2007-05-26"), _row("2007-05-26"), _row("2007-06-02")]
    one = write(tmp_path / "a.csv", days)
    copy = write(tmp_path / "b.csv", days, end="\r\n")
    summary = _stage(tmp_path / "d", one, copy, lenient=False)
    assert (summary.rows, summary.quarantined) == (2, 4)
    assert summary.remarks == ("b.csv: 2 of its 3 applications are in another file.",)
    part = write(tmp_path / "c.csv", days[:2])
    assert _stage(tmp_path / "d", one, part, lenient=False).rows == 2
    accounts = by_file(read_accounting(Paths(tmp_path / "d"), [raw_file(copy).sha256]))
    assert [row["unexplained"] for row in accounts] == [0]


@pytest.mark.parametrize("held", [60_000, 0])
def test_a_file_appended_to_itself_counts_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held: int
) -> None:
    """Whether the rows of a month are written in one fragment or in many."""
    monkeypatch.setattr("financial_pipeline.staging.reading.BATCH_ROWS", 40)
    for limit in ("WHOLE_FILE_ROWS", "BUFFERED_ROWS"):
        monkeypatch.setattr(f"financial_pipeline.staging.month_fragments.{limit}", held)
    rows = [_row(f"2007-0{month}-26", f"{n}00.0") for month in (5, 6) for n in range(10, 60)]
    source = write(tmp_path / "a.csv", [HEADER, *rows, HEADER, *rows, *rows[:3]])
    summary = _stage(tmp_path / "d", source, lenient=False)
    assert summary.partitions == {"2007-05-01": 50, "2007-06-01": 50, "2007-07-01": 0}
    (row,) = by_file(read_accounting(Paths(tmp_path / "d"), [raw_file(source).sha256]))
    assert (row["quarantined"], row["unexplained"]) == ({"duplicate": 103}, 0)
    part = tmp_path / "d" / "staging" / "lending_club_rejections" / "2007-06-01.parquet"
    assert pl.read_parquet(part)["line_number"].max() == 101


def test_words_for_missing_values_and_fractions_are_read(tmp_path: Path) -> None:
    columns = "row.names,amount_requested,APPLICATION.DATE,Risk_Score,Debt.To.Income.Ratio,note"
    rows = [f"{n},1000,2007-05-26 00:00:00,NA,0.1{n},x" for n in range(10, 40)]
    landed = raw_file(write(tmp_path / "a.csv", [columns, *rows])).landed
    assert landed.remarks[0] == "ignored: 'row.names', 'note'"
    assert _stage(tmp_path / "d", landed.path, lenient=False).rows == 30
    part = tmp_path / "d" / "staging" / "lending_club_rejections" / "2007-05-01.parquet"
    (first, *_) = pl.read_parquet(part).rows(named=True)
    assert (first["dti"], first["risk_score"], first["state"]) == (11.0, None, None)


def test_one_typing_error_moves_no_month(tmp_path: Path) -> None:
    rows = [*(_row("2007-05-26", f"{n}00") for n in range(10, 210)), _row("2091-05-26")]
    source = write(tmp_path / "a.csv", [HEADER, *rows])
    assert raw_file(source).landed.last_date == date(2007, 5, 26)
    assert _stage(tmp_path / "d", source, lenient=False).quarantined == 1


@pytest.mark.parametrize(
    ("amount", "ratio", "column"),
    [("100000000", "10%", "Amount Requested"), ("1.0", "10%", "Amount"), ("9000", "0.1%", "Debt")],
)
def test_other_units_are_refused_by_column(
    tmp_path: Path, amount: str, ratio: str, column: str
) -> None:
    rows = [_row("2007-05-26", amount).replace("10%", ratio) for _ in range(20)]
    with pytest.raises(RefusedFile, match=rf"a.csv is refused: {column}.* has a median of"):
        _stage(tmp_path / "d", write(tmp_path / "a.csv", [HEADER, *rows]))


@pytest.mark.parametrize(
    ("every", "old", "new", "sentence"),
    [
        (2, "10%", "0.1%", "50% of Debt-To-Income Ratio are at most 1 per cent"),
        (1, "693.0", "69.3", "Risk_Score has a median of 69.3"),
        (5, "10%", "0.1%", None),
        (3, "693.0", "69.3", None),
    ],
)
def test_ratios_of_two_units_and_scores_of_another_one_are_refused(
    tmp_path: Path, every: int, old: str, new: str, sentence: str | None
) -> None:
    rows = [_row("2007-05-26", f"{9000 + n}") for n in range(40)]
    changed = [row if n % every else row.replace(old, new) for n, row in enumerate(rows)]
    path = write(tmp_path / "a.csv", [HEADER, *changed])
    if sentence is None:
        assert _stage(tmp_path / "d", path).rows == 40
    else:
        with pytest.raises(RefusedFile, match=sentence):
            _stage(tmp_path / "d", path)
