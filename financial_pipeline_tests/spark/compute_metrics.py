"""Metrics in a process of its own, on the master that SPARK_MASTER names.

`python -m financial_pipeline_tests.spark.compute_metrics MARTS RESULTS [METRIC...]` reads the marts
from one folder, a Parquet file or a folder of them each, and writes the metrics to another. The
ranges are those of the tiny world or, with WHOLE_BOOK, those of the benchmark.
"""

import json
import os
import sys
import threading
from pathlib import Path
from typing import Any, Final
from urllib.request import urlopen

from pyspark.sql import SparkSession
from pyspark.sql.utils import is_remote

from financial_pipeline.bench.metrics import RANGES as WHOLE_RANGES
from financial_pipeline.spark.catalogue import METRICS
from financial_pipeline.spark.session import start_session
from financial_pipeline_tests.spark import tiny_world
from financial_pipeline_tests.spark.conftest import RANGES, collect

# The metric with most shuffles comes last if it is asked for; a worker may die in the last one.
LAST: Final = "market_risk"
WHOLE_BOOK: Final = "WHOLE_BOOK"
BUSY: Final = "stages are running"


def of_driver(session: SparkSession, what: str) -> list[dict[str, Any]]:
    """Read `allexecutors` or `stages` from the driver's UI; nothing on Connect."""
    if is_remote():
        return []
    context = session.sparkContext
    with urlopen(f"{context.uiWebUrl}/api/v1/applications/{context.applicationId}/{what}") as told:
        known: list[dict[str, Any]] = json.load(told)
    return known


def say_when_busy(session: SparkSession, stop: threading.Event) -> None:
    """Say once that stages are being computed, as soon as some are."""
    while not stop.wait(0.05):
        if of_driver(session, "stages?status=active"):
            print(BUSY, flush=True)
            return


def main() -> None:
    """Compute the metrics; ends with what became of the executors."""
    marts_folder, results = Path(sys.argv[1]), Path(sys.argv[2])
    session = start_session()
    marts = {path.stem: session.read.parquet(str(path)) for path in marts_folder.iterdir()}
    watcher = threading.Thread(target=say_when_busy, args=[session, stop := threading.Event()])
    names = sorted(sys.argv[3:] or METRICS, key=lambda name: name == LAST)
    for name in names:
        if name == names[-1]:
            watcher.start()
        table = METRICS[name].table
        is_whole = WHOLE_BOOK in os.environ
        first, last = WHOLE_RANGES[table.partition] if is_whole else RANGES[table.domain]
        rows = METRICS[name].compute(session, marts, first, last, default_lag_months=tiny_world.LAG)
        collect(rows).write_parquet(results / f"{name}.parquet")
    stop.set()
    watcher.join()
    print(json.dumps(of_driver(session, "allexecutors")), flush=True)


if __name__ == "__main__":
    main()
