"""Published tables read from object storage by other programs, without a working copy.

`addresses` returns the files of a table, and the other functions the options to open them:

    files = addresses("exports/fct_loans", "s3://bucket/folder")
    polars.scan_parquet(files, storage_options=polars_options())
    pyarrow.dataset.dataset(paths_of(files), filesystem=arrow_file_system())
"""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from financial_pipeline.errors import PipelineError
from financial_pipeline.publishing.bucket import Bucket
from financial_pipeline.publishing.manifest import (
    PublishedTable,
    parse_channel,
    parsed_channels,
    table_of_record,
)
from financial_pipeline.publishing.object_storage import BATCH, MANIFEST, Channels, parse_manifest
from financial_pipeline.publishing.versions import DIGITS
from financial_pipeline.settings import Settings

if TYPE_CHECKING:
    import pyarrow.fs


def table(key: str, address: str | None = None, version: str | None = None) -> PublishedTable:
    """Return the entry of a table (`layer/name`) in the manifest of an address.

    Without `address` it is that of the settings, and without `version` the current version. Raises
    PipelineError if there is no such table or version.
    """
    return _table(_bucket(address), key, version)


def addresses(key: str, address: str | None = None, version: str | None = None) -> list[str]:
    """Return the `s3://` addresses of the Parquet files of a table (`layer/name`), sorted.

    Arguments and errors are those of `table`. The files of a version never change; they stay as
    long as a kept version names them.
    """
    bucket = _bucket(address)
    found = _table(bucket, key, version)
    keys = sorted(each for each in bucket.listed(f"{found.folder}/") if each.endswith(".parquet"))
    names = {each.rpartition("/")[2] for each in keys}
    if not names or (found.files and names != found.files.keys()):
        raise PipelineError(f"The files of {key} in {bucket.address}/{found.folder} are missing.")
    return [f"{bucket.address}/{each}" for each in keys]


def paths_of(files: Sequence[str]) -> list[str]:
    """Return addresses without `s3://`, as PyArrow takes them."""
    return [file.removeprefix("s3://") for file in files]


def polars_options() -> dict[str, str]:
    """Return the `storage_options` of Polars for the service and keys of the settings."""
    settings = Settings()
    options = {"aws_region": settings.s3_region}
    if settings.s3_endpoint:
        options["aws_endpoint_url"] = settings.s3_endpoint
        options["aws_allow_http"] = str(settings.s3_endpoint.startswith("http://")).lower()
    if settings.s3_access_key_id and settings.s3_secret_access_key:
        options["aws_access_key_id"] = settings.s3_access_key_id.get_secret_value()
        options["aws_secret_access_key"] = settings.s3_secret_access_key.get_secret_value()
    if settings.s3_session_token:
        options["aws_session_token"] = settings.s3_session_token.get_secret_value()
    return options


def arrow_file_system() -> "pyarrow.fs.S3FileSystem":
    """Return the file system of PyArrow for the service and keys of the settings.

    DuckDB reads through it: `duckdb.from_arrow(pyarrow.dataset.dataset(...))`.
    """
    from pyarrow.fs import S3FileSystem

    settings = Settings()
    key, secret = settings.s3_access_key_id, settings.s3_secret_access_key
    token = settings.s3_session_token
    return S3FileSystem(
        region=settings.s3_region,
        endpoint_override=settings.s3_endpoint,
        access_key=key.get_secret_value() if key else None,
        secret_key=secret.get_secret_value() if secret else None,
        session_token=token.get_secret_value() if token else None,
    )


def spark_options() -> dict[str, str]:
    """Return the settings of a Spark session that reads addresses with `s3a://` instead of `s3://`.

    Hadoop's `hadoop-aws` and the SDK of Amazon have to be on its class path.
    """
    settings = Settings()
    options = {"endpoint.region": settings.s3_region}
    if settings.s3_endpoint:
        options["endpoint"] = settings.s3_endpoint
        options["path.style.access"] = "true"
        options["connection.ssl.enabled"] = str(settings.s3_endpoint.startswith("https")).lower()
    if settings.s3_access_key_id and settings.s3_secret_access_key:
        options["access.key"] = settings.s3_access_key_id.get_secret_value()
        options["secret.key"] = settings.s3_secret_access_key.get_secret_value()
    if settings.s3_session_token:
        options["session.token"] = settings.s3_session_token.get_secret_value()
    return {f"spark.hadoop.fs.s3a.{name}": value for name, value in options.items()}


def _bucket(address: str | None) -> Bucket:
    settings = Settings()
    place = address or settings.object_storage
    if place is None:
        raise PipelineError(
            "The data root is a local folder; pass an address s3://bucket/folder, or set"
            " FINANCIAL_PIPELINE_DATA_ROOT to one."
        )
    return Bucket(place.rstrip("/"), settings)


def _table(bucket: Bucket, key: str, version: str | None) -> PublishedTable:
    channels = _channels(bucket, version)
    rows = {name: row for each in channels.values() for name, row in each["tables"].items()}
    if key not in rows:
        raise PipelineError(f"The table {key} is not published in {bucket.address}.")
    return table_of_record(rows[key])


def _channels(bucket: Bucket, version: str | None) -> Channels:
    name = MANIFEST if version is None else f"versions/{version.zfill(DIGITS)}.json"
    found = bucket.read(name)
    if found is None or found.content is None:
        what = "no published tables" if version is None else f"no version {version}"
        raise PipelineError(f"{bucket.address} has {what}.")
    if version is None:
        return parse_manifest(bucket.address, found.content, parsed_channels)
    return {BATCH: parse_channel(json.loads(found.content))}
