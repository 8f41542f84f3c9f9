"""Price and macro files are cleaned once, and again when something changed that they depend on."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from financial_pipeline import transforms
from financial_pipeline.errors import PipelineError
from financial_pipeline.paths import Paths
from financial_pipeline.raw import archive
from financial_pipeline.schemas.raw import RawFile
from financial_pipeline.settings import Settings
from financial_pipeline.sources import bank_prices, fred
from financial_pipeline.sources.market_calendar import sessions
from financial_pipeline.staging import typed_store
from financial_pipeline.staging.fred import stage_fred
from financial_pipeline.staging.prices import stage_prices, staged_hashes

FIRST, LAST = date(2004, 1, 2), date(2004, 3, 31)
HEADER = "Date,Open,High,Low,Close,Adj Close,Volume"
MONDAY = datetime(2004, 4, 5, tzinfo=UTC)


def price_lines(days: int, scale: float = 1.0) -> str:
    """The first sessions of 2004, of which the close rises by a dollar each."""
    prices = ((day, (50 + place) * scale) for place, day in enumerate(sessions(FIRST, LAST)[:days]))
    return "".join(f"\n{day},{p},{p},{p},{p},{p},{int(1000 / scale)}" for day, p in prices)


class Bank:
    """One bank whose file is downloaded again and again, one day after the other."""

    def __init__(self, folder: Path) -> None:
        self.paths, self.file = Paths(folder / "data"), folder / "JPM.csv"

    def download(self, text: str) -> None:
        """Archive one download."""
        self.file.write_text(HEADER + text + "\n", "utf-8")
        archive.archive(self.paths, [bank_prices.describe(self.file)])

    @property
    def files(self) -> list[RawFile]:
        """The archived downloads, each a day after the one before."""
        found = archive.accepted_files(self.paths, "bank_prices")
        days = [MONDAY + timedelta(days=place) for place in range(len(found))]
        return [
            replace(file, fetched_at=day, is_synthetic=False)
            for file, day in zip(found, days, strict=True)
        ]

    def stage(self) -> dict[str, str]:
        """Stage all downloads and return the refused ones."""
        return dict(stage_prices(self.paths, self.files, Settings(), FIRST, LAST).refused)


@pytest.fixture
def bank(tmp_path: Path) -> Bank:
    return Bank(tmp_path)


@pytest.fixture
def cleanings(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    counted, clean = list[int](), transforms.bank_prices.clean

    def count(records: pl.DataFrame, **options: object) -> object:
        counted.append(records.height)
        return clean(records, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(transforms.bank_prices, "clean", count)
    return counted


def test_only_the_new_download_is_cleaned(bank: Bank, cleanings: list[int]) -> None:
    for days in (10, 11, 12):
        bank.download(price_lines(days))
        assert bank.stage() == {}
    assert cleanings == [10, 11, 12]
    staged = pl.read_parquet(bank.paths.staging("bank_prices") / "*.parquet")
    assert sorted(staged["close"]) == [50.0 + place for place in range(12)]


def test_changed_code_or_another_first_session_cleans_again(
    bank: Bank, cleanings: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    bank.download(price_lines(10))
    bank.stage()
    later = Settings(first_session=date(2004, 1, 5))
    stage_prices(bank.paths, bank.files, later, FIRST, LAST)
    monkeypatch.setattr(typed_store, "code_version", lambda: "changed")
    bank.stage()
    assert cleanings == [10, 10, 10]


def test_a_day_that_was_in_the_future_counts_once_it_has_come(bank: Bank) -> None:
    calendar = sessions(date.today(), date.today() + timedelta(days=30))
    bank.download(f"{price_lines(10)}\n{calendar[-1]},60,60,60,60,60,1")
    # The clock of its arrival was ahead; a file that arrived before a day never has its price.
    ahead = [replace(bank.files[0], fetched_at=datetime.now(UTC) + timedelta(days=40))]
    for files, last, found in (
        (ahead, LAST, 10),
        (ahead, calendar[-1], 11),
        (ahead, LAST, 10),
        (bank.files, calendar[-1], 10),
    ):
        assert len(staged_hashes(bank.paths, files, Settings(), last)) == found


def test_a_damaged_entry_is_made_again_and_a_lost_accounting_written_again(bank: Bank) -> None:
    bank.download(f"{price_lines(10)}\n2004-01-03,1,1,1,1,1,1")
    bank.stage()
    for lost in ("quarantine", "row_accounting"):
        [written] = bank.paths.staging(lost).glob("*.parquet")
        whole = written.read_bytes()
        written.unlink()
        bank.stage()
        assert written.read_bytes() == whole
    [entry] = typed_store.store_folder(bank.paths, "bank_prices").iterdir()
    for name in ("cleaned.json", "rows.parquet"):
        (entry / name).write_text("{")
        bank.stage()
        assert json.loads((entry / "cleaned.json").read_text())["staged_lines"] == 10
        assert pl.read_parquet(entry / "rows.parquet").height == 10


def test_what_is_stored_of_a_withdrawn_file_goes(bank: Bank) -> None:
    bank.download(price_lines(10))
    bank.download(price_lines(11))
    bank.stage()
    store = typed_store.store_folder(bank.paths, "bank_prices")
    assert len([*store.iterdir()]) == 2
    stage_prices(bank.paths, bank.files[1:], Settings(), FIRST, LAST)
    assert [path.name[:64] for path in store.iterdir()] == [bank.files[1].sha256]


def test_downloads_around_a_split_are_one_security_however_many_there_are(bank: Bank) -> None:
    """Two copies of one history on each scale have no typical ratio to a third: it is both."""
    for place, scale in enumerate((1.0, 0.5, 0.5, 0.5)):
        bank.download(price_lines(20, scale) + "\n" * place)
    assert bank.stage() == {}
    staged = pl.read_parquet(bank.paths.staging("bank_prices") / "*.parquet")
    assert staged["close"].max() == 34.5


def test_a_damaged_archive_leaves_nothing_in_the_store(tmp_path: Path) -> None:
    """Else the values of the damaged bytes would stay after the file was dropped again."""
    paths, path = Paths(tmp_path / "data"), tmp_path / "UNRATE.csv"
    path.write_text("observation_date,UNRATE\n2004-01-01,5.7\n2004-02-01,5.6\n", "utf-8")
    archive.archive(paths, [fred.describe(path)])
    files = archive.accepted_files(paths, "fred_observations")
    [archived] = [file.archived_path for file in files]
    whole = archived.read_bytes()
    archived.chmod(0o644)
    archived.write_bytes(whole.replace(b"5.6", b"6.5"))
    with pytest.raises(PipelineError, match="is missing or was changed"):
        stage_fred(paths, files, Settings(), FIRST, LAST)
    archived.write_bytes(whole)
    stage_fred(paths, files, Settings(), FIRST, LAST)
    staged = pl.read_parquet(paths.staging("fred_observations") / "*.parquet")
    assert sorted(staged["value"]) == [5.6, 5.7]


def test_equal_vintages_are_accounted_as_in_a_rebuild(tmp_path: Path) -> None:
    paths = Paths(tmp_path / "data")
    for name in ("UNRATE_2004-03-05.csv", "UNRATE_2004-04-02.csv"):
        path = tmp_path / name
        path.write_text("observation_date,UNRATE\n2004-01-01,5.7\n2004-02-01,5.6\n", "utf-8")
        archive.archive(paths, [fred.describe(path)])
    files = archive.accepted_files(paths, "fred_observations")
    for used in (files, files[:1]):
        stage_fred(paths, used, Settings(), FIRST, LAST)
        accounts = pl.read_parquet(paths.staging("row_accounting") / "*.parquet")
        assert accounts["file_name"].unique().to_list() == [used[-1].landed.path.name]


def test_only_a_new_macro_file_is_cleaned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths, path, read = Paths(tmp_path / "data"), tmp_path / "UNRATE.csv", list[Path]()
    read_lines = fred.read_lines

    def note(plain: Path, dropped: Path) -> object:
        read.append(dropped)
        return read_lines(plain, dropped)

    monkeypatch.setattr(fred, "read_lines", note)
    text = "observation_date,UNRATE\n2004-01-01,5.7\n2004-02-01,5.6\n"
    for values in (2, 3):
        path.write_text(text if values == 2 else f"{text}2004-03-01,5.8\n", "utf-8")
        archive.archive(paths, [fred.describe(path)])
        read.clear()
        files = archive.accepted_files(paths, "fred_observations")
        summary = stage_fred(paths, files, Settings(), FIRST, LAST)
        assert (summary.rows > 0, len(read)) == (True, 1)
