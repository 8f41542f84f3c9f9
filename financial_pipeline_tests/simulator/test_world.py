"""The simulated world: one folder, written whole or not at all, and never over another one."""

import json
import subprocess
import sys
from datetime import date
from functools import partial
from hashlib import sha256

import pytest

from financial_pipeline.errors import PipelineError
from financial_pipeline.simulator import world
from financial_pipeline.simulator.world import snapshot_months, write_world
from financial_pipeline.world import SIMULATED_TODAY

LOANS = 300


@pytest.fixture
def landing(tmp_path):
    return tmp_path / "landing" / "simulated"


@pytest.fixture(autouse=True)
def quick_markets(request, monkeypatch):
    """One price file and one series instead of all, where a test is not about them."""
    if "real_markets" in request.fixturenames:
        return
    monkeypatch.setattr(world, "write_prices", partial(write_seed, "JPM.csv"))
    monkeypatch.setattr(world, "write_macro", partial(write_seed, "UNRATE.json"))


@pytest.fixture
def real_markets():
    """Asks for the true writers of prices and series."""


def write_seed(name, folder, seed):
    folder.mkdir(parents=True)
    (folder / name).write_text(f"{seed}\n")


def small_world(landing, **changes):
    write_world(landing, **{"loans": LOANS, "seed": 1, "snapshots": 2} | changes)


def digests(landing):
    # Provenance records contain the time of writing.
    files = sorted(path for path in landing.rglob("*") if path.is_file())
    files = [path for path in files if "provenance" not in path.name]
    return {path.relative_to(landing): sha256(path.read_bytes()).hexdigest() for path in files}


def test_world_holds_loans_rejections_prices_and_series(landing, real_markets):
    small_world(landing)
    names = {path.as_posix() for path in digests(landing)}
    assert {
        "lending_club/accepted_2007_to_2019-02.csv",
        "lending_club/accepted_2007_to_2019-03.csv",
        "lending_club/rejected.csv",
        "prices/JPM.csv",
        "fred/UNRATE.json",
        "simulation.json",
    } <= names


def test_thirteen_snapshots_end_with_the_month_of_the_world_clock():
    months = snapshot_months()
    assert (len(months), months[0]) == (13, date(2018, 3, 1))
    assert months[-1] == SIMULATED_TODAY.replace(day=1)


def test_simulation_manifest_lists_every_file_with_its_hash(landing):
    small_world(landing)
    manifest = json.loads((landing / "simulation.json").read_text())
    found = {path.as_posix(): digest for path, digest in digests(landing).items()}
    assert manifest["files"] == {n: d for n, d in found.items() if n != "simulation.json"}
    assert (manifest["seed"], manifest["loans"], manifest["is_synthetic"]) == (1, LOANS, True)
    assert any("unemployment" in note for note in manifest["notes"])


def test_same_world_is_found_and_not_written_again(landing):
    small_world(landing)
    before = {path: path.stat().st_mtime_ns for path in landing.rglob("*")}
    small_world(landing)
    assert {path: path.stat().st_mtime_ns for path in landing.rglob("*")} == before


def test_same_seed_writes_the_same_bytes_elsewhere(landing, tmp_path):
    small_world(landing)
    small_world(tmp_path / "other")
    assert digests(landing) == digests(tmp_path / "other")


def test_loans_of_a_snapshot_do_not_depend_on_how_many_there_are(landing, tmp_path):
    small_world(landing)
    small_world(tmp_path / "other", snapshots=1)
    name = "lending_club/accepted_2007_to_2019-03.csv"
    assert (landing / name).read_bytes() == (tmp_path / "other" / name).read_bytes()


@pytest.mark.parametrize("change", [{"seed": 2}, {"loans": LOANS + 1}, {"snapshots": 1}])
def test_another_world_in_place_is_refused_and_left_alone(landing, change):
    small_world(landing)
    before = digests(landing)
    with pytest.raises(PipelineError, match=r"contains another simulated world .*--data-root"):
        small_world(landing, **change)
    assert digests(landing) == before


def test_folder_with_foreign_files_is_refused(landing):
    landing.mkdir(parents=True)
    (landing / "mine.csv").write_text("a\n")
    with pytest.raises(PipelineError, match="not a simulated world"):
        small_world(landing)
    assert (landing / "mine.csv").exists()


def test_changed_file_is_named(landing):
    small_world(landing)
    (landing / "prices" / "JPM.csv").write_text("short\n")
    with pytest.raises(PipelineError, match=r"JPM\.csv is missing or was changed"):
        small_world(landing)


def test_run_that_dies_leaves_no_world_and_the_next_one_is_right(landing, monkeypatch):
    def power_cut(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(world, "write_prices", power_cut)
        with pytest.raises(KeyboardInterrupt):
            small_world(landing)
    assert not landing.exists()
    small_world(landing)
    assert [path.name for path in landing.parent.iterdir()] == ["simulated"]


def test_folders_of_killed_runs_are_removed(landing):
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    abandoned = landing.parent / f".simulated.{process.pid}.tmp"
    abandoned.mkdir(parents=True)
    small_world(landing)
    assert not abandoned.exists()


def test_world_of_one_loan_can_be_written(landing):
    small_world(landing, loans=1, snapshots=1)
    assert json.loads((landing / "simulation.json").read_text())["loans"] == 1


def test_the_second_download_of_a_bank_is_recorded_after_the_first(landing, real_markets):
    small_world(landing, loans=1_000, snapshots=1)
    records = [
        json.loads((landing / folder / "provenance.json").read_text())
        for folder in ("prices", "prices_later")
    ]
    first, second = (
        record[name]["fetched_at"]
        for record, name in zip(records, ("WFC.csv", "WFC_2019-03-31.csv"), strict=True)
    )
    assert first < second
    last = (landing / "lending_club" / "accepted_2007_to_2019-03.csv").read_text()
    assert last.count(",Sold,") == 1


def test_a_small_world_has_no_planted_fault(landing, real_markets):
    small_world(landing)
    assert not (landing / "prices_later").exists()
    last = (landing / "lending_club" / "accepted_2007_to_2019-03.csv").read_text()
    assert ",Sold," not in last
