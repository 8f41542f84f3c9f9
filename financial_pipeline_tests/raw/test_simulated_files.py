"""A file that the simulator wrote is synthetic wherever it is dropped; a real one is not."""

import gzip
import json
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from financial_pipeline.files import sha256
from financial_pipeline.paths import Paths
from financial_pipeline.raw import archive
from financial_pipeline.simulator.loan_files import write_loan_files
from financial_pipeline.simulator.macro import write_macro
from financial_pipeline.simulator.prices import write_prices
from financial_pipeline.simulator.rejections import write_rejections
from financial_pipeline.sources import landing, simulated

SNAPSHOT = date(2019, 3, 1)
REAL_PRICES = "Date,Open,High,Low,Close,Adj Close,Volume\n2018-01-02,10,11,9,10,10,1000\n"


def _loans(folder: Path) -> Path:
    write_loan_files({folder / "accepted.csv": SNAPSHOT}, loans=30, seed=3)
    return folder / "accepted.csv"


def _rejections(folder: Path) -> Path:
    write_rejections(folder / "rejected.csv", rows=30, seed=3)
    return folder / "rejected.csv"


WRITERS: dict[str, Callable[[Path], Path]] = {
    "accepted": _loans,
    "rejections": _rejections,
    "prices": lambda folder: write_prices(folder, 3)[0],
    "macro": lambda folder: write_macro(folder, 3)[0],
}


def _as_parquet(path: Path) -> Path:
    pl.read_csv(path, infer_schema=False).write_parquet(path.with_suffix(".parquet"))
    return path.with_suffix(".parquet")


def _packed(path: Path) -> Path:
    packed = path.with_name(f"{path.name}.gz")
    packed.write_bytes(gzip.compress(path.read_bytes()))
    return packed


@pytest.mark.parametrize("name", WRITERS)
def test_what_the_simulator_wrote_is_synthetic_in_a_drop_folder(tmp_path: Path, name: str) -> None:
    written = WRITERS[name](tmp_path)
    dropped = tmp_path / "drop" / written.name
    dropped.parent.mkdir()
    shutil.copyfile(written, dropped)
    (file,), new = archive.archive(Paths(tmp_path / "data"), [landing.detect(dropped)])
    assert (file.is_synthetic, file.source, new) == (True, "simulated", 1)


@pytest.mark.parametrize("change", [_packed, _as_parquet], ids=["gzip", "parquet"])
@pytest.mark.parametrize("name", ["accepted", "rejections", "prices"])
def test_another_container_changes_nothing(
    tmp_path: Path, name: str, change: Callable[[Path], Path]
) -> None:
    path = change(WRITERS[name](tmp_path))
    assert simulated.is_simulated(path, sha256(path))


@pytest.mark.parametrize("name", ["prices", "rejections"])
def test_a_part_of_the_rows_with_its_header_is_still_simulated(tmp_path: Path, name: str) -> None:
    path = WRITERS[name](tmp_path)
    rows = pl.read_csv(path, infer_schema=False).tail(5)
    rows.select(reversed(rows.columns)).write_csv(path, quote_style="always")
    assert simulated.is_simulated(path, sha256(path))


def test_an_earlier_file_without_a_mark_is_known_by_its_hash(tmp_path: Path) -> None:
    path = tmp_path / "JPM.csv"
    path.write_text(REAL_PRICES)
    # UNRATE.json of generator 4 with the default seed.
    known = json.loads(simulated.HASHES.read_text("utf-8"))["sha256"]
    assert len(known) == 24
    assert simulated.is_simulated(path, known[0])
    assert not simulated.is_simulated(path, sha256(path))


@pytest.mark.parametrize(
    "text",
    [
        REAL_PRICES,
        "observation_date,UNRATE\n2018-01-01,4.1\n",
        '{"observations": [{"date": "2018-01-01", "value": "4.1"}]}\n',
        "Amount Requested,Application Date,Loan Title,Debt-To-Income Ratio\n"
        '5000,2018-01-01,"Simulated, and other things",10%\n',
    ],
)
def test_a_real_file_is_not_synthetic(tmp_path: Path, text: str) -> None:
    path = tmp_path / "file.csv"
    path.write_text(text)
    assert not simulated.is_simulated(path, sha256(path))
