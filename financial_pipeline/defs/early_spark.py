"""An early start of Spark, in a thread: the metrics are the last jobs of a command."""

from typing import TYPE_CHECKING, Final

from financial_pipeline.defs.terminal import noise_to
from financial_pipeline.paths import Paths
from financial_pipeline.publishing.manifest import read_manifest
from financial_pipeline.publishing.table_files import whole_files
from financial_pipeline.spark.session import launch_driver, start_session

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import SparkSession

PRICES: Final = "exports/fct_daily_prices"


def begin_spark(paths: Paths) -> None:
    """Start the session that the metric jobs join while the first jobs run.

    Java's output until the end of the command goes to the log. Raises PipelineError, before
    anything is written, if Spark cannot start.
    """
    launch_driver(lambda: _first_query(start_session(), paths), noise_to(paths.log))


def _first_query(session: "SparkSession", paths: Paths) -> "pa.Table":
    """Answer a query over published prices: it loads classes that the first metric would wait for.

    Raises PipelineError if no prices are published.
    """
    files = whole_files(paths, read_manifest(paths).table(PRICES))
    totals = "sum(close) over (partition by symbol order by session_date) as total"
    return session.read.parquet(*map(str, files)).selectExpr(totals).toArrow()
