"""A loan file staged on Spark in a process of its own, on the master that SPARK_MASTER names.

`python -m financial_pipeline_tests.spark.stage_loans FILE ROOT` says once that stages are computed
and ends with how many executors were lost.
"""

import sys
import threading
from pathlib import Path

from financial_pipeline.bench.engines import stage_file
from financial_pipeline.settings import Settings
from financial_pipeline.spark.session import start_session
from financial_pipeline_tests.spark.compute_metrics import of_driver, say_when_busy


def main() -> None:
    """Stage the file below the root."""
    source, root = map(Path, sys.argv[1:])
    session = start_session()
    watcher = threading.Thread(target=say_when_busy, args=[session, stop := threading.Event()])
    watcher.start()
    stage_file(source, root, Settings().model_copy(update={"loan_staging_engine": "spark"}))
    stop.set()
    watcher.join()
    executors = [one for one in of_driver(session, "allexecutors") if one["id"] != "driver"]
    print(sum(not one["isActive"] for one in executors), flush=True)


if __name__ == "__main__":
    main()
