"""Price files end in exact session partitions, and none of their lines is lost."""

import gzip
from collections.abc import Callable
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from financial_pipeline import transforms
from financial_pipeline.errors import PipelineError, RefusedFile
from financial_pipeline.files import content_of
from financial_pipeline.paths import Paths
from financial_pipeline.raw import archive
from financial_pipeline.schemas.raw import RawFile
from financial_pipeline.schemas.staging import BANK_PRICES, QUARANTINE
from financial_pipeline.settings import Settings
from financial_pipeline.sources import bank_prices
from financial_pipeline.staging import row_accounting
from financial_pipeline.staging.accounting import StagingSummary
from financial_pipeline.staging.prices import holes, stage_prices, staged_hashes

FIRST, LAST = date(2004, 1, 2), date(2004, 1, 9)
HEADER = "Date,Open,High,Low,Close,Adj Close,Volume"
SESSIONS = ["2004-01-02", "2004-01-05", "2004-01-06", "2004-01-07", "2004-01-08", "2004-01-09"]

Drop = Callable[[str, str], list[RawFile]]


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path / "data")


@pytest.fixture
def drop(tmp_path: Path, paths: Paths) -> Drop:
    def drop_file(name: str, content: str) -> list[RawFile]:
        path = tmp_path / name
        path.write_text(content, "utf-8", newline="")
        archive.archive(paths, [bank_prices.describe(path)])
        return archive.accepted_files(paths, "bank_prices")

    return drop_file


def stage(paths: Paths, files: list[RawFile], lost_share: float = 0.01) -> StagingSummary:
    return stage_prices(paths, files, Settings(max_quarantine_share=lost_share), FIRST, LAST)


def staged(paths: Paths) -> pl.DataFrame:
    return pl.read_parquet(paths.staging("bank_prices") / "*.parquet")


def accounting(paths: Paths, files: list[RawFile]) -> dict[str, object]:
    rows = row_accounting.by_file(row_accounting.read_accounting(paths, {files[-1].sha256}))
    assert len(rows) == 1
    return rows[0]


def test_stage_prices_writes_one_exact_file_per_session(paths: Paths, drop: Drop) -> None:
    files = drop("JPM.csv", f"{HEADER}\n2004-01-02,1,3,1,2,1.5,10\n2004-01-06,2,3,1,2,1.6,20\n")
    summary = stage(paths, files)
    assert summary == StagingSummary(
        rows=2,
        quarantined=0,
        partitions=dict.fromkeys(SESSIONS, 0) | {"2004-01-02": 1, "2004-01-06": 1},
        files=1,
        newest_event=date(2004, 1, 6),
        faults={"2004-01-05": "2004-01-05 has no price of JPM"},
    )
    folder = paths.staging("bank_prices")
    assert sorted(path.stem for path in folder.iterdir()) == SESSIONS
    frames = [pl.read_parquet(path) for path in sorted(folder.iterdir())]
    assert all(frame.schema == BANK_PRICES for frame in frames)
    assert [frame.height for frame in frames] == [1, 0, 1, 0, 0, 0]
    row = frames[0].row(0, named=True)
    assert (row["symbol"], row["adjusted_close"], row["dividend"]) == ("JPM", 1.5, None)
    assert (row["source"], row["is_synthetic"], row["line_number"]) == ("yahoo", False, 2)
    assert row["file_sha256"] == files[0].sha256


def test_stage_prices_replaces_a_partition_whose_rows_are_gone(paths: Paths, drop: Drop) -> None:
    stage(paths, drop("JPM.csv", f"{HEADER}\n2004-01-02,1,3,1,2,1.5,10\n"))
    assert stage(paths, []).rows == 0
    assert staged(paths).is_empty()


def test_stage_prices_accounts_for_every_line_of_a_messy_file(paths: Paths, drop: Drop) -> None:
    text = (
        f"{HEADER}\r\n1999-12-31,1,3,1,2,1.5,10\r\n2004-01-02,1,3,1,2,1.5,10\r\n\r\n"
        "2004-01-02,1,3,1,2,1.5,10\r\n2004-01-03,1,3,1,2,1.5,10\r\n2004-01-05,1,3,1,0,1.5,10\r\n"
        f"{HEADER}\r\n3-Aug,1,3,1,2,1.5,10\r\n,,,,,,\r\n2004-01-06,1,3"
    )
    files = drop("JPM.csv", text)
    assert stage(paths, files, lost_share=1).quarantined == 6
    assert accounting(paths, files) == {
        "file": "JPM.csv",
        "dataset": "bank_prices",
        "physical_lines": 11,
        "staged": 1,
        "quarantined": {
            "duplicate": 1,
            "empty_row": 1,
            "no_session": 1,
            "non_positive_close": 1,
            "unparsable_date": 1,
            "wrong_field_count": 1,
        },
        "notes": {"before_first_session": 1, "blank": 1, "header": 1, "repeated_header": 1},
        "unexplained": 0,
    }


def test_stage_prices_keeps_line_number_and_text_of_a_refused_line(
    paths: Paths, drop: Drop
) -> None:
    files = drop("JPM.csv", f"{HEADER}\n2004-01-02,1,3,1,2,1.5,10\n2004-01-05,1,3,1,x,1.5,10\n")
    stage(paths, files)
    frame = pl.read_parquet(paths.staging("quarantine") / f"{files[0].sha256}.parquet")
    assert frame.schema == QUARANTINE
    assert frame.select(
        "dataset", "file_name", "line_number", "reason", "original_text"
    ).rows() == [("bank_prices", "JPM.csv", 3, "unparsable_number", "2004-01-05,1,3,1,x,1.5,10")]


def test_stage_prices_lets_raw_prices_win_and_the_adjusted_file_fill(
    paths: Paths, drop: Drop
) -> None:
    drop("JPM.csv", f"{HEADER}\n2004-01-02,1,3,1,2,1.5,10\n")
    files = drop(
        "adjusted.csv",
        "Price,Close,High,Low,Open,Volume\nTicker,JPM,JPM,JPM,JPM,JPM\nDate,,,,,\n"
        "2004-01-02,1.5,2,1,1,10\n2004-01-05,1.6,2,1,1,20\n",
    )
    stage(paths, files)
    columns = ["session_date", "open", "close", "adjusted_close", "volume", "source"]
    assert staged(paths).select(columns).rows() == [
        (date(2004, 1, 2), 1.0, 2.0, 1.5, 10, "yahoo"),
        (date(2004, 1, 5), None, None, 1.6, 20, "yfinance"),
    ]


def test_stage_prices_splits_a_file_of_several_tickers(paths: Paths, drop: Drop) -> None:
    files = drop(
        "banks.csv",
        "Price,Close,Close,High,High,Low,Low,Open,Open,Volume,Volume\n"
        "Ticker,BAC,JPM,BAC,JPM,BAC,JPM,BAC,JPM,BAC,JPM\nDate,,,,,,,,,,\n"
        "2004-01-02,1,9,1,9,1,9,1,9,5,6\n2004-01-05,,9,,9,,9,,9,,7\n",
    )
    assert stage(paths, files).partitions["2004-01-02"] == 2
    assert staged(paths).select("symbol", "adjusted_close").rows() == [
        ("BAC", 1.0),
        ("JPM", 9.0),
        ("JPM", 9.0),
    ]
    assert accounting(paths, files)["unexplained"] == 0


def test_stage_prices_refuses_a_file_without_a_usable_row(paths: Paths, drop: Drop) -> None:
    files = drop("JPM.csv", f"{HEADER}\n2004-01-03,1,3,1,2,1.5,10\n")
    with pytest.raises(RefusedFile, match=r"JPM\.csv contains no usable row .*no_session 1"):
        stage(paths, files)


def test_stage_prices_accepts_a_file_from_before_the_first_session(
    paths: Paths, drop: Drop
) -> None:
    files = drop("JPM.csv", f"{HEADER}\n1980-03-17,0,3,1,2,1.5,10\n")
    assert stage(paths, files).rows == 0
    assert accounting(paths, files)["notes"] == {"before_first_session": 1, "header": 1}


LINES = st.sampled_from(
    [
        "2004-01-02,1,3,1,2,1.5,10",
        "2004-01-05,0.0,3,1,2,1.5,10",
        "2004-01-06,1,3,1,2,1,5",
        "2004-01-06,1,3,1,9,1,5",
        "2004-01-04,1,3,1,2,1.5,10",
        "18-Dec,1,3,1,2,1.5,10",
        "",
        ",,,,,,",
        HEADER,
        "2004-01-07",
        '"2004-01-07,1',
        '2004-01-08,"1\n",3,1,2,1.5,10',
        "  ",
    ]
)


@settings(deadline=None, max_examples=40)
@given(lines=st.lists(LINES, max_size=12), end=st.sampled_from(["", "\n"]))
def test_stage_prices_explains_every_line_of_any_mixture(lines: list[str], end: str) -> None:
    with TemporaryDirectory() as folder:
        path, paths = Path(folder, "JPM.csv"), Paths(Path(folder, "data"))
        text = "\n".join([HEADER, "2004-01-09,1,3,1,2,1.5,10", *lines]) + end
        path.write_text(text)
        files, _ = archive.archive(paths, [bank_prices.describe(path)])
        stage(paths, files, lost_share=1)
        found = accounting(paths, files)
    assert found["unexplained"] == 0
    assert found["physical_lines"] == text.count("\n") + (not text.endswith("\n"))


def test_stage_prices_reads_compressed_files(tmp_path: Path, paths: Paths) -> None:
    path = tmp_path / "JPM.csv.gz"
    path.write_bytes(gzip.compress(f"{HEADER}\n2004-01-02,1,3,1,2,1.5,10\n".encode()))
    files, _ = archive.archive(paths, [bank_prices.describe(path)])
    assert stage(paths, files).rows == 1
    (tmp_path / "empty.gz").write_bytes(b"")
    with pytest.raises(PipelineError):
        bank_prices.describe(tmp_path / "empty.gz")


def test_a_file_that_was_planned_is_neither_read_nor_cleaned_again(
    tmp_path: Path, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "JPM.csv"
    path.write_text(f"{HEADER}\n2004-01-02,1,3,1,2,1.5,10\n2004-01-06,2,3,1,2,1.625,20\n")
    landed = bank_prices.describe(path)
    planned = archive.prospective_files(paths, "bank_prices", [landed])
    assert len(staged_hashes(paths, planned, Settings(), LAST)) == 2
    archive.archive(paths, [landed])
    for module, name in ((bank_prices, "read_lines"), (transforms.bank_prices, "clean")):
        monkeypatch.delattr(module, name)
    assert stage(paths, archive.accepted_files(paths, "bank_prices")).rows == 2


def test_a_file_whose_bytes_are_not_those_of_its_hash_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "JPM.csv"
    path.write_text(f"{HEADER}\n2004-01-02,1,3,1,2,1.5,10\n")
    content = content_of(path)
    path.write_text(f"{HEADER}\n2004-01-02,1,3,1,2,1.75,10\n")
    with pytest.raises(PipelineError, match=r"JPM\.csv changed since its hash was taken"):
        bank_prices.read_file(content, ["JPM"])


def test_hole_inside_a_banks_history_is_named_and_its_ends_are_not() -> None:
    days = [date(2018, 1, day) for day in (2, 3, 4, 5)]
    whole = [("JPM", day) for day in days]
    rows = pl.DataFrame(
        [*whole, ("C", days[1]), ("C", days[3])], schema=["symbol", "session_date"], orient="row"
    )
    assert holes(rows, days) == {"2018-01-04": "2018-01-04 has no price of C"}
    assert holes(rows, days[:2]) == {}
