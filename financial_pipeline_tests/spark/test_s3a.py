"""Spark reads published tables from the bucket, with Hadoop's S3A client and locked jars.

The lock names the modules of Amazon's SDK that S3A uses, 14 MB; the bundle has all services.
"""

import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from financial_pipeline.local_cluster.jars import JarUnavailable, jar_source, obtain_one, read_lock
from financial_pipeline.paths import Paths
from financial_pipeline.publishing import remote_tables, working_copy
from financial_pipeline.publishing.manifest import publish_tables
from financial_pipeline.publishing.writer import write_table
from financial_pipeline.schemas.contract import Table
from financial_pipeline.settings import Settings
from financial_pipeline_tests.s3_service import BUCKET, SECRET, S3Service

ADDRESS = f"s3://{BUCKET}/spark"
LOCK = Path(__file__).with_name("s3a.lock")
PRICES: Table[pl.DataType] = Table("metrics", "prices", "One row a day.", ("d",), partition="d")
ROWS = pl.DataFrame({"d": [date(2019, 1, 2), date(2019, 1, 3)], "close": [97.11, 95.0]})
PROGRAM = """
import json, sys
from pyspark.sql import SparkSession
from financial_pipeline.publishing import remote_tables
session = SparkSession.builder.master("local[1]").config("spark.jars", sys.argv[2])
for name, value in remote_tables.spark_options().items():
    session = session.config(name, value)
files = [each.replace("s3://", "s3a://") for each in json.loads(sys.argv[1])]
rows = session.getOrCreate().read.parquet(*files).orderBy("d").collect()
print(json.dumps([[str(row["d"]), row["close"]] for row in rows]))
"""


@pytest.fixture(scope="module")
def jars() -> str:
    source = jar_source(Settings())
    try:
        paths = [obtain_one(LOCK, jar.artifact, source) for jar in read_lock(LOCK)]
    except JarUnavailable as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))
    return ",".join(map(str, paths))


@pytest.mark.nightly
def test_spark_reads_the_addresses(s3: S3Service, tmp_path: Path, jars: str) -> None:
    paths = Paths(tmp_path)
    working_copy.prepare(paths, ADDRESS, builds=True)
    publish_tables(paths, "batch", [write_table(paths, PRICES, ROWS)], {})
    files = json.dumps(remote_tables.addresses(PRICES.key, ADDRESS))
    command = [sys.executable, "-c", PROGRAM, files, jars]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [["2019-01-02", 97.11], ["2019-01-03", 95.0]]
    assert SECRET not in done.stderr
