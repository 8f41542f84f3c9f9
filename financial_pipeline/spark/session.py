"""One Spark session per run: its place, its options, and its log output.

`SPARK_MASTER` names the cluster: `local[2]` (default), `spark://host:port`, or `sc://host:port` for
Spark Connect. Everything listens on loopback, the UI too, unless the master is another machine.
"""

import atexit
import os
import subprocess
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from pyspark import SparkConf, SparkContext
from pyspark.errors import PySparkRuntimeError
from pyspark.sql import SparkSession
from pyspark.sql.utils import is_remote

from financial_pipeline.errors import PipelineError
from financial_pipeline.files import private_folder
from financial_pipeline.paths import Paths
from financial_pipeline.settings import Settings, memory_share
from financial_pipeline.spark.prerequisites import LOOPBACK, check_prerequisites, master

LOCALE: Final = "C.UTF-8"
# Spark's UI and workers listen on every address unless this variable names one.
ADDRESS_VARIABLE: Final = "SPARK_LOCAL_IP"
END_SECONDS: Final = 10.0
LOGGING: Final = Path(__file__).with_name("log4j2.properties")
# The quick compiler only: the thorough one takes 40% of the processor time of a run over small
# tables. Alone it would get 48 MB for its code, which the metrics of one run fill: after that all
# is interpreted. The collector without threads of its own saves another eighth.
QUICK_COMPILER: Final = (
    "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=256m -XX:+UseSerialGC -Xms512m"
)
# Tens of millions of rows take half the time in thoroughly compiled loops. Java would compile ten
# times as soon, also what runs only for seconds. Idle, it returns memory to the system.
THOROUGH_COMPILER: Final = (
    "-XX:ReservedCodeCacheSize=256m -XX:Tier4BackEdgeThreshold=400000"
    " -XX:Tier4InvocationThreshold=50000 -XX:Tier4MinInvocationThreshold=6000"
    " -XX:Tier4CompileThreshold=150000 -XX:G1PeriodicGCInterval=5000"
    " -XX:MinHeapFreeRatio=10 -XX:MaxHeapFreeRatio=30"
)
# Partitions of each shuffle, because most tables are small.
SHUFFLE_PARTITIONS: Final = 2
# A loan file of this size contains about so many loans.
LARGE_FILE_BYTES: Final = 300 * 2**20
LARGE_LOANS: Final = 400_000


def _is_here(name: str) -> bool:
    return name.startswith("local") or urlsplit(name).hostname in (LOOPBACK, "localhost")


def _driver_memory() -> str:
    return f"{memory_share(12, least=1, most=2)}g"


def _has_large_file() -> bool:
    """Return whether the raw archive or the drop folder contains a large file."""
    settings = Settings()
    archive = Paths(settings.data_root).raw
    folders = {archive, settings.landing or archive}
    # The size of a link itself: a link in the drop folder may be broken, and is refused later.
    sizes = (path.lstat().st_size for folder in folders for path in folder.rglob("*.*"))
    return max(sizes, default=0) > LARGE_FILE_BYTES


def spark_config(name: str, *, is_large: bool | None = None) -> dict[str, Any]:
    """The Spark settings for a master.

    `is_large` chooses Java's thorough compiler; by default a large file of the data root does.
    """
    queries = {
        "spark.sql.session.timeZone": "UTC",
        # An overflow is an error, also on a server that somebody else configured.
        "spark.sql.ansi.enabled": "true",
        "spark.sql.shuffle.partitions": str(SHUFFLE_PARTITIONS),
        # Tables this small gain nothing from a plan that is changed while it runs.
        "spark.sql.adaptive.enabled": "false",
        # The driver lists a few hundred files faster than a job with a task for each of them.
        "spark.sql.sources.parallelPartitionDiscovery.threshold": "10000",
        "spark.sql.execution.arrow.pyspark.enabled": "true",
        # Records the source line of each function call, which takes half the time of building a
        # plan.
        "spark.python.sql.dataFrameDebugging.enabled": "false",
    }
    if name.startswith("sc://"):
        return {"spark.remote": name, **queries}
    address = {"spark.driver.host": LOOPBACK, "spark.driver.bindAddress": LOOPBACK}
    is_thorough = _has_large_file() if is_large is None else is_large
    compiler = THOROUGH_COMPILER if is_thorough else QUICK_COMPILER
    logging = _quoted(f"-Dlog4j2.configurationFile={LOGGING}")
    return {
        **_temporary_files(),
        "spark.master": name,
        "spark.app.name": "financial-pipeline",
        "spark.driver.memory": os.environ.get("SPARK_DRIVER_MEMORY", _driver_memory()),
        "spark.driver.extraJavaOptions": f"{compiler} {logging}",
        "spark.log.level": "ERROR",
        "spark.ui.showConsoleProgress": "false",
        **queries,
        **(address if _is_here(name) else {}),
    }


def _temporary_files() -> dict[str, str]:
    """Return the option for Spark's spill folder, unless SPARK_LOCAL_DIRS names one."""
    folder = str(Paths(Settings().data_root.resolve()).spark_files)
    # Spark reads a list of folders.
    is_elsewhere = "SPARK_LOCAL_DIRS" in os.environ or "," in folder
    return {} if is_elsewhere else {"spark.local.dir": folder}


def _quoted(option: str) -> str:
    """An option of Java as Spark's launcher reads it from a list."""
    return '"' + option.replace("\\", "\\\\").replace('"', '\\"') + '"'


@cache
def _config_of_process(name: str, is_large: bool | None) -> dict[str, Any]:
    """The settings with which this process launches Java, and joins it later."""
    return spark_config(name, is_large=is_large)


def launch_driver(
    then: Callable[[], object], output: AbstractContextManager[None] | None = None
) -> None:
    """Launch Spark's Java process in a thread that calls `then` at its end.

    `output` redirects Java's output; it is entered once the prerequisites are checked.

    PySpark forks this process for it, and a fork stops OpenBLAS's threads: a matrix product in
    another thread would never end. So call it while no other thread computes; it returns after the
    fork. Raises PipelineError; a session that starts later raises any fault of Java's launch.
    """
    chosen = _prepare(None)
    forked = threading.Event()
    os.register_at_fork(after_in_parent=forked.set)

    def launch() -> None:
        with suppress(Exception):
            if not chosen.startswith("sc://"):
                conf = SparkConf(loadDefaults=False)
                conf.setAll(list(_config_of_process(chosen, None).items()))
                SparkContext._ensure_initialized(conf=conf)
                atexit.register(_end_driver)
            forked.set()
            then()
        forked.set()

    with output or nullcontext():
        threading.Thread(target=launch, name="spark", daemon=True).start()
        forked.wait()


def _end_driver() -> None:
    """Wait until Java has removed its temporary files; it ends if its standard input does."""
    driver: subprocess.Popen[bytes] | None = getattr(SparkContext._gateway, "proc", None)
    if driver is None or driver.stdin is None:
        return
    if context := SparkContext._active_spark_context:
        # Java's end closes the connection of PySpark's accumulators, which is not an error here.
        context._accumulatorServer.handle_error = lambda *_: None  # type: ignore[method-assign]
    driver.stdin.close()
    with suppress(subprocess.TimeoutExpired):
        driver.wait(timeout=END_SECONDS)


def _prepare(name: str | None) -> str:
    chosen = name or master()
    check_prerequisites(chosen)
    if _is_here(chosen):
        os.environ.setdefault(ADDRESS_VARIABLE, LOOPBACK)
        for folder in _temporary_files().values():
            private_folder(Path(folder))
    # Java derives the encoding of file names from it; cron and containers often have none.
    os.environ["LC_ALL"] = LOCALE
    return chosen


def start_session(name: str | None = None, *, is_large: bool | None = None) -> SparkSession:
    """The running session, or a new one on the master, after its prerequisites are checked.

    `is_large`: see `spark_config`.
    """
    chosen = _prepare(name)
    builder = SparkSession.builder
    for key, value in _config_of_process(chosen, is_large).items():
        builder = builder.config(key, value)
    try:
        return builder.getOrCreate()
    except PySparkRuntimeError as error:
        if error.getCondition() != "JAVA_GATEWAY_EXITED":
            raise
        raise PipelineError(
            "Spark's Java ended while it started; its message is above or in"
            f" {Paths(Settings().data_root).log}: correct SPARK_DRIVER_MEMORY, Spark's own"
            " configuration or JAVA_HOME."
        ) from error


def ui_address(session: SparkSession) -> str | None:
    """Return the address of the Spark UI; None on Spark Connect, whose server shows its own."""
    address = None if is_remote() else session.sparkContext.uiWebUrl
    return str(address) if address else None
