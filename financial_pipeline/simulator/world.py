"""The simulated world: loans, rejections, bank prices and macro series in one drop folder.

The folder is written under a temporary name and renamed once it is complete. `simulation.json` in
it contains the identity of the world and the hash of every file.
"""

import json
import os
import shutil
from datetime import date
from pathlib import Path
from typing import Any, Final

import psutil

from financial_pipeline.errors import PipelineError
from financial_pipeline.files import move_folder, sha256
from financial_pipeline.simulator import planted_faults
from financial_pipeline.simulator.loan_calendar import month_number, month_start
from financial_pipeline.simulator.loan_files import write_loan_files
from financial_pipeline.simulator.macro import write_macro
from financial_pipeline.simulator.prices import write_prices
from financial_pipeline.simulator.rejections import write_rejections
from financial_pipeline.sources.provenance import RECORD_NAME, record_files
from financial_pipeline.world import SIMULATED_TODAY

# Raise it whenever the same seed gives other files or trades (a test fails if draws have changed).
GENERATOR_VERSION: Final = "7"
DEFAULT_SNAPSHOTS: Final = 13
MANIFEST_NAME: Final = "simulation.json"
NOTES: Final = (
    "Every loan, price and macro value here is simulated; none describes a real borrower or bank.",
    "Default hazards rise by .08 on the logit scale per percentage point of unemployment: a choice"
    " that makes the macro panel informative (the estimate on real loans is .016 +- .037).",
    "A world of 1,000 loans or more has planted faults: docs/dashboard.md lists them.",
    "There is one rejected application per loan; upstream has twelve.",
)


def snapshot_months(snapshots: int = DEFAULT_SNAPSHOTS) -> tuple[date, ...]:
    """The last `count` month starts up to the world clock, in order."""
    last = month_number(SIMULATED_TODAY)
    return tuple(month_start(month) for month in range(last - snapshots + 1, last + 1))


def write_world(
    landing: Path, *, loans: int, seed: int, snapshots: int = DEFAULT_SNAPSHOTS
) -> None:
    """Fill the landing folder, or return at once if it already contains this world.

    Raises PipelineError if the folder contains anything else.
    """
    identity = {
        "seed": seed,
        "loans": loans,
        "snapshots": [month.isoformat() for month in snapshot_months(snapshots)],
        "generator_version": GENERATOR_VERSION,
    }
    if _is_written(landing, identity):
        _record_provenance(landing)
        return
    landing.parent.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(landing)
    work = landing.parent / f".{landing.name}.{os.getpid()}.tmp"
    shutil.rmtree(work, ignore_errors=True)
    _write_files(work, loans=loans, seed=seed, snapshots=snapshots)
    _write_manifest(work, identity)
    # Another run may have written the same world meanwhile; the first one is kept.
    if not _is_written(landing, identity):
        move_folder(work, landing)
    shutil.rmtree(work, ignore_errors=True)


def _write_files(work: Path, *, loans: int, seed: int, snapshots: int) -> None:
    loan_folder = work / "lending_club"
    loan_folder.mkdir(parents=True)
    targets = {
        loan_folder / f"accepted_2007_to_{month:%Y-%m}.csv": month
        for month in snapshot_months(snapshots)
    }
    has_faults = planted_faults.is_planted(loans)
    write_loan_files(targets, loans=loans, seed=seed, has_faults=has_faults)
    rejected = loan_folder / "rejected.csv"
    write_rejections(rejected, rows=loans, seed=seed, has_faults=has_faults)
    write_prices(work / "prices", seed)
    write_macro(work / "fred", seed)
    if has_faults:
        # Its record is written after that of the first downloads, which it follows in time.
        planted_faults.restate_price(work / "prices", work / "prices_later")
        planted_faults.delay_release(work / "fred")


def _write_manifest(work: Path, identity: dict[str, Any]) -> None:
    paths = sorted(path for path in work.rglob("*") if path.is_file())
    names = {path: path.relative_to(work).as_posix() for path in paths}
    manifest = {
        **identity,
        "world_clock": SIMULATED_TODAY.isoformat(),
        "is_synthetic": True,
        "notes": NOTES,
        "files": {names[path]: sha256(path) for path in paths},
        "bytes": {names[path]: path.stat().st_size for path in paths},
    }
    (work / MANIFEST_NAME).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    _record_provenance(work)


def _record_provenance(landing: Path) -> None:
    """Record all files as simulated; folders of older versions lack these records."""
    files = json.loads((landing / MANIFEST_NAME).read_text(encoding="utf-8"))["files"]
    for folder in sorted({Path(name).parent for name in files}):
        hashes = {Path(name).name: files[name] for name in files if Path(name).parent == folder}
        if not (landing / folder / RECORD_NAME).exists():
            record_files(landing / folder, hashes, provider="simulated", is_synthetic=True)


def _is_written(landing: Path, identity: dict[str, Any]) -> bool:
    """Whether the folder contains exactly this world; False if it is absent or empty."""
    if not landing.is_dir() or not any(landing.iterdir()):
        return False
    advice = "use another --data-root or remove the folder"
    manifest_path = landing / MANIFEST_NAME
    if not manifest_path.is_file():
        raise PipelineError(f"{landing} contains files that are not a simulated world: {advice}.")
    manifest = json.loads(manifest_path.read_text(encoding="utf-8"))
    found = {name: manifest.get(name) for name in identity}
    if found != identity:
        raise PipelineError(
            f"{landing} contains another simulated world ({_describe(found)}) than the one"
            f" asked for ({_describe(identity)}): {advice}."
        )
    for name, size in manifest["bytes"].items():
        path = landing / name
        if not path.is_file() or path.stat().st_size != size:
            raise PipelineError(f"{path} is missing or was changed: {advice}.")
    return True


def _describe(identity: dict[str, Any]) -> str:
    snapshots = identity["snapshots"] or []
    return (
        f"seed {identity['seed']}, {identity['loans']} loans, {len(snapshots)} snapshots, "
        f"generator {identity['generator_version']}"
    )


def _remove_abandoned(landing: Path) -> None:
    """Delete files that killed runs left behind; a run that is still alive keeps its folder."""
    for folder in landing.parent.glob(f".{landing.name}.*.tmp"):
        process = folder.name.split(".")[-2]
        if process.isdigit() and not psutil.pid_exists(int(process)):
            shutil.rmtree(folder, ignore_errors=True)
