"""All metrics of the tiny world in a process of its own, on the master that SPARK_MASTER names.

`python -m financial_pipeline_tests.spark.compute_metrics MARTS RESULTS [METRIC...]` reads the marts
from one folder of Parquet files and writes the metrics to another.
"""

import json
import sys
import threading
from pathlib import Path
from typing import Any, Final
from urllib.request import urlopen

from pyspark.sql import SparkSession
from pyspark.sql.utils import is_remote

from financial_pipeline.spark.catalogue import METRICS
from financial_pipeline.spark.session import start_session
from financial_pipeline_tests.spark import tiny_world
from financial_pipeline_tests.spark.conftest import RANGES, collect

# The metric with most shuffles comes last; a worker may die in it.
LAST: Final = "market_risk"
BUSY: Final = "stages are running"


def of_driver(session: SparkSession, what: str) -> list[dict[str, Any]]:
    """What the driver's UI knows of its `allexecutors` or `stages`; nothing on Connect."""
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
    marts = {path.stem: session.read.parquet(str(path)) for path in marts_folder.glob("*.parquet")}
    watcher = threading.Thread(target=say_when_busy, args=[session, stop := threading.Event()])
    for name in sorted(sys.argv[3:] or METRICS, key=lambda name: name == LAST):
        if name == LAST:
            watcher.start()
        first, last = RANGES[METRICS[name].table.domain]
        rows = METRICS[name].compute(session, marts, first, last, default_lag_months=tiny_world.LAG)
        collect(rows).write_parquet(results / f"{name}.parquet")
    stop.set()
    watcher.join()
    print(json.dumps(of_driver(session, "allexecutors")), flush=True)


if __name__ == "__main__":
    main()
