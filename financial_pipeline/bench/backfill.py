"""A long backfill of the market chain against the events of as many empty partitions.

Ours archives, stages, builds, exports and measures every trading day of the range in one run. The
empty assets write the same events and do nothing else: once on stock event storage, once on ours.
"""

import os
import shutil
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import click

from financial_pipeline.bench.measuring import (
    as_json_option,
    report,
    run_in_own_process,
    tell,
    work_folder,
)
from financial_pipeline.paths import Paths
from financial_pipeline.settings import PROJECT_ROOT, Settings

PARTITIONS: Final = 2_500
# Stock storage takes minutes for all of them and grows with their number, so fewer are scaled up.
STOCK_PARTITIONS: Final = 500
STOCK_PROFILE: Final = "telemetry:\n  enabled: false\n"
PROFILES: Final = {"sqlite": "dagster.yaml", "postgresql": "docs/dagster.postgres.yaml"}
# The chain contains no loans, but the simulated world needs some.
LOANS: Final = 50
MILLISECONDS: Final = 1_000

Result = dict[str, str | int | float]


def _storage() -> str:
    return "postgresql" if Settings().postgres_url else "sqlite"


def _backfilled(
    which: str, partitions: int, assets: int, environment: Mapping[str, str]
) -> dict[str, float]:
    """Run the measured process: prepare and backfill; keys: seconds, assets, events."""
    os.environ.pop("DAGSTER_EVENT_BATCH_SIZE", None)
    os.environ.update(environment)
    warnings.simplefilter("ignore")
    # Imported here: the definitions read the environment.
    from financial_pipeline.definitions import defs
    from financial_pipeline.defs import ranges

    loaded = defs() if which == "ours" else ranges.empty_assets(assets)
    if which == "ours":
        ranges.build_what_prices_join(loaded)
    keys = ranges.session_assets(loaded)
    start = time.perf_counter()
    ranges.execute_range(loaded, keys, *ranges.newest_sessions(partitions))
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "assets": len(keys), "events": ranges.materialized(keys)}


def _measure(which: str, folder: Path, partitions: int, assets: int) -> dict[str, float]:
    """Run one measured process on a data root and a Dagster home of its own."""
    home = Paths(folder).dagster_home
    home.mkdir(parents=True)
    if which == "stock":
        (home / "dagster.yaml").write_text(STOCK_PROFILE, "utf-8")
    else:
        shutil.copy(PROJECT_ROOT / PROFILES[_storage()], home / "dagster.yaml")
    environment = {
        "DAGSTER_HOME": str(home),
        "FINANCIAL_PIPELINE_DATA_ROOT": str(folder),
        "FINANCIAL_PIPELINE_SOURCE": "simulated",
        "FINANCIAL_PIPELINE_LOANS": str(LOANS),
    }
    return run_in_own_process(_backfilled, which, partitions, assets, environment)[0]


def run(partitions: int, stock_partitions: int) -> Result:
    """Measure the chain, then the empty assets on both storages.

    An event is one partition of one asset: what is planned of it and its materialization. Keys:
    name, partitions, assets, ours_seconds, empty_seconds, stock_empty_seconds, stock_partitions
    (as many were measured and scaled up), ratio (ours over stock empty), events (those of the
    chain), ms_per_event (of the empty assets on our storage), storage (of ours: sqlite, or
    postgresql where its address is set; stock is always SQLite).
    """
    with work_folder() as folder:
        ours = _measure("ours", folder / "ours", partitions, 0)
        assets = int(ours["assets"])
        tell(f"{assets} assets of the chain: {ours['seconds']:.1f} s")
        empty = _measure("empty", folder / "empty", partitions, assets)
        tell(f"empty assets on our storage: {empty['seconds']:.1f} s")
        stock = _measure("stock", folder / "stock", stock_partitions, assets)
        tell(f"{stock_partitions} partitions on stock storage: {stock['seconds']:.1f} s")
    stock_seconds = stock["seconds"] * partitions / stock_partitions
    return {
        "name": "backfill",
        "partitions": partitions,
        "assets": assets,
        "ours_seconds": round(ours["seconds"], 2),
        "empty_seconds": round(empty["seconds"], 2),
        "stock_empty_seconds": round(stock_seconds, 2),
        "stock_partitions": stock_partitions,
        "ratio": round(ours["seconds"] / stock_seconds, 3),
        "events": int(ours["events"]),
        "ms_per_event": round(empty["seconds"] * MILLISECONDS / empty["events"], 3),
        "storage": _storage(),
    }


@click.command()
@click.option("--partitions", default=PARTITIONS, show_default=True, type=click.IntRange(1))
@click.option(
    "--stock-partitions",
    default=STOCK_PARTITIONS,
    show_default=True,
    type=click.IntRange(1),
    help="As many are measured on stock storage, and scaled up.",
)
@as_json_option
def backfill(partitions: int, stock_partitions: int, as_json: bool) -> None:
    """Backfill the market chain in one run, and as many empty partitions: seconds and events."""
    report(run(partitions, min(stock_partitions, partitions)), as_json)
