"""Polars, PyArrow and DuckDB read published tables from the bucket, without a working copy."""

from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import pyarrow.dataset
import pytest
from obstore.fsspec import FsspecStore

from financial_pipeline.errors import PipelineError
from financial_pipeline.paths import Paths
from financial_pipeline.publishing import remote_tables, working_copy
from financial_pipeline.publishing.manifest import publish_tables
from financial_pipeline.publishing.writer import write_table
from financial_pipeline.schemas.contract import Table
from financial_pipeline.settings import Settings
from financial_pipeline_tests.s3_service import BUCKET, S3Service

PRICES: Table[pl.DataType] = Table("metrics", "prices", "One row a day.", ("d",), partition="d")
KEY = "metrics/prices"
FIRST = pl.DataFrame({"d": [date(2019, 1, 2), date(2019, 1, 3)], "close": [97.11, 95.0]})
SECOND = pl.DataFrame({"d": [date(2019, 1, 4)], "close": [98.5]})


@pytest.fixture
def address(s3: S3Service, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """An address with two versions of a table."""
    address = f"s3://{BUCKET}/remote-{request.node.name}"
    paths = Paths(tmp_path)
    working_copy.prepare(paths, address, builds=True)
    first = write_table(paths, PRICES, FIRST)
    publish_tables(paths, "batch", [first], {})
    second = write_table(paths, PRICES, SECOND, previous=first, replaced=["2019-01-04"])
    publish_tables(paths, "batch", [second], {})
    return address


def test_polars_scans_the_addresses(address: str) -> None:
    files = remote_tables.addresses(KEY, address)
    found = pl.scan_parquet(files, storage_options=dict(remote_tables.polars_options()))
    assert found.sort("d").collect().equals(pl.concat([FIRST, SECOND]))


def test_pyarrow_reads_them_through_its_file_system(address: str) -> None:
    files = remote_tables.paths_of(remote_tables.addresses(KEY, address))
    system = remote_tables.arrow_file_system()
    found = pyarrow.dataset.dataset(files, filesystem=system).to_table()
    assert sorted(found["close"].to_pylist()) == [95.0, 97.11, 98.5]


def test_duckdb_reads_them_through_arrow(address: str) -> None:
    files = remote_tables.paths_of(remote_tables.addresses(KEY, address))
    system = remote_tables.arrow_file_system()
    prices = duckdb.from_arrow(pyarrow.dataset.dataset(files, filesystem=system))
    assert prices.filter("d > '2019-01-02'").aggregate("sum(close)").fetchall() == [(193.5,)]


def test_duckdb_reads_them_through_fsspec(address: str) -> None:
    settings = Settings()
    assert settings.s3_access_key_id is not None
    assert settings.s3_secret_access_key is not None
    connection = duckdb.connect()
    connection.register_filesystem(
        FsspecStore(
            "s3",
            endpoint=str(settings.s3_endpoint),
            access_key_id=settings.s3_access_key_id.get_secret_value(),
            secret_access_key=settings.s3_secret_access_key.get_secret_value(),
            client_options={"allow_http": True},
        )
    )
    files = remote_tables.addresses(KEY, address)
    rows = connection.read_parquet(files).aggregate("count(*), max(close)").fetchall()
    assert rows == [(3, 98.5)]


def test_a_kept_version_has_addresses_too(address: str) -> None:
    current = remote_tables.table(KEY, address)
    assert (current.rows, len(current.partitions)) == (3, 3)
    first = remote_tables.addresses(KEY, address, version="2")
    assert len(first) == 2


@pytest.mark.parametrize(
    ("key", "version", "sentence"),
    [("metrics/none", None, "The table metrics/none is not"), (KEY, "77", "has no version 77")],
)
def test_absent_tables_and_versions_are_named(
    address: str, key: str, version: str | None, sentence: str
) -> None:
    with pytest.raises(PipelineError, match=sentence):
        remote_tables.addresses(key, address, version)


def test_a_local_data_root_has_no_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FINANCIAL_PIPELINE_OBJECT_STORAGE", raising=False)
    with pytest.raises(PipelineError, match="The data root is a local folder"):
        remote_tables.addresses(KEY)
