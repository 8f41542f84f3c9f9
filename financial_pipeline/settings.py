"""One typed settings class, read from the environment (prefix FINANCIAL_PIPELINE_) and `.env`."""

import os
import re
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    AliasChoices,
    BeforeValidator,
    Field,
    SecretStr,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

PACKAGE_ROOT = Path(__file__).resolve().parent
# In a wheel: the files that a checkout has next to the package.
IN_WHEEL = PACKAGE_ROOT / "project"
IS_CHECKOUT = not IN_WHEEL.is_dir()
# Folder of dbt_project, flink, dagster.yaml and workspace.yaml.
PROJECT_ROOT = PACKAGE_ROOT.parent if IS_CHECKOUT else IN_WHEEL
# Folder of data and environments: the checkout, or the folder where the command started.
WORK_ROOT = PROJECT_ROOT if IS_CHECKOUT else Path.cwd()

Source = Literal["simulated", "files", "live"]
PriceProvider = Literal["yfinance", "csv"]
Engine = Literal["polars", "spark"]


CONTROL_GROUP = Path("/sys/fs/cgroup/memory.max")


def memory_share(part: int, *, least: int, most: int) -> int:
    """Return one `part`th of the memory of this machine or container, GiB, within bounds.

    It does not follow what is free: dbt parses its project again if the profile changes.
    """
    sizes = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    with suppress(OSError, ValueError):
        sizes.append(int(CONTROL_GROUP.read_text("utf-8")))
    return max(least, min(most, round(min(sizes) / 2**30 / part)))


def _duckdb_memory() -> str:
    return f"{memory_share(4, least=1, most=6)}GB"


def _user_cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")


def _listed(value: object) -> object:
    """Cut `JPM,MS` or `["JPM","MS"]` into its names."""
    if not isinstance(value, str):
        return value
    names = (name.strip(" \"'") for name in value.strip("[] ").split(","))
    return tuple(name for name in names if name)


# Names of a bucket and of folders that no reader, SQL dialect or shell has to quote.
ADDRESS: Final = re.compile(
    r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9_-][A-Za-z0-9_.-]*)*"
)


def _address(value: str | None) -> str | None:
    """Return an address without its last slash; raise ValueError for one of another form."""
    plain = value and value.rstrip("/")
    if plain and not ADDRESS.fullmatch(plain):
        raise ValueError(f"{value!r} is not of the form s3://bucket/folder")
    return plain


def _first_of_month(day: date) -> date:
    """Return the first day of a month; raise ValueError for any other one."""
    if day.day != 1:
        raise ValueError(f"{day} is not the first day of a month")
    return day


# A list in the environment: names with commas between them, or JSON.
Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed)]
# Symbols and series as their publishers write them, each once.
Codes = Annotated[Names, AfterValidator(lambda names: tuple(dict.fromkeys(map(str.upper, names))))]
# The first partition of months: partitions are whole ones.
Month = Annotated[date, AfterValidator(_first_of_month)]


class Settings(BaseSettings):
    """Inputs and outputs of a run, first partitions, alerts, and the stream."""

    model_config = SettingsConfigDict(
        env_prefix="FINANCIAL_PIPELINE_",
        # In the folder where the command started, even if the process changes its folder.
        env_file=Path.cwd() / ".env",
        env_ignore_empty=True,
        extra="ignore",
    )

    # Where a run writes: raw archive, staging, warehouse, published tables and Dagster's home. An
    # address s3://bucket/folder sets object_storage, and the folder is then in the user's cache.
    data_root: Path = WORK_ROOT / "data"
    # The address in S3 object storage of which the data root is the working copy.
    object_storage: Annotated[str | None, AfterValidator(_address)] = None
    # The S3 service, if it is not Amazon's, its region, and the keys of a user who may read and
    # write the bucket; without keys, those of the machine or container.
    s3_endpoint: str | None = Field(
        default=None,
        validation_alias=AliasChoices("AWS_ENDPOINT_URL", "FINANCIAL_PIPELINE_S3_ENDPOINT"),
    )
    s3_region: str = Field(
        default="us-east-1",
        validation_alias=AliasChoices(
            "AWS_REGION", "AWS_DEFAULT_REGION", "FINANCIAL_PIPELINE_S3_REGION"
        ),
    )
    s3_access_key_id: SecretStr | None = Field(
        default=None,
        validation_alias=AliasChoices("AWS_ACCESS_KEY_ID", "FINANCIAL_PIPELINE_S3_ACCESS_KEY_ID"),
    )
    s3_secret_access_key: SecretStr | None = Field(
        default=None,
        validation_alias=AliasChoices(
            "AWS_SECRET_ACCESS_KEY", "FINANCIAL_PIPELINE_S3_SECRET_ACCESS_KEY"
        ),
    )
    s3_session_token: SecretStr | None = Field(
        default=None,
        validation_alias=AliasChoices("AWS_SESSION_TOKEN", "FINANCIAL_PIPELINE_S3_SESSION_TOKEN"),
    )
    # simulated: the seeded world. files: the drop folder. live: Yahoo, FRED and the drop folder.
    source: Source = "simulated"
    # The drop folder of `--source files` and `--source live`; the simulated world writes its own.
    landing: Path | None = None

    # Simulated world: number of loans and seed of every random number.
    loans: int = Field(default=50_000, ge=1, le=10_000_000)
    seed: int = 20_070_601

    # Live sources. Banks, and the providers asked for their prices, in this order and no others.
    symbols: Codes = Field(default=("JPM", "BAC", "C", "WFC", "GS"), min_length=1)
    price_providers: Annotated[tuple[PriceProvider, ...], NoDecode, BeforeValidator(_listed)] = (
        "yfinance",
        "csv",
    )
    # FRED series, the free key of the API (from the environment or .env only) and its address.
    fred_series: Codes = ("UNRATE", "GDPC1", "CPIAUCSL", "DTB3", "FEDFUNDS")
    fred_api_key: SecretStr | None = Field(
        default=None,
        validation_alias=AliasChoices("FRED_API_KEY", "FINANCIAL_PIPELINE_FRED_API_KEY"),
    )
    fred_url: str = "https://api.stlouisfed.org/fred"
    # A replacement for every host of Yahoo Finance, such as a recorded one; empty: Yahoo's own.
    yahoo_url: str = ""
    # Requests per run, hours for which an answer is reused, seconds between requests.
    request_budget: int = Field(default=200, ge=0)
    cache_hours: float = Field(default=6.0, ge=0)
    request_pause_seconds: float = Field(default=0.5, ge=0)

    # First partition of each family.
    first_session: date = date(2000, 1, 3)
    first_issue_month: Month = date(2007, 6, 1)
    # The rejections file starts with applications of late May 2007.
    first_application_month: Month = date(2007, 5, 1)
    first_observation_month: Month = date(1947, 1, 1)
    first_release_month: Month = date(1990, 1, 1)
    # Training cut-offs of the default model, one per quarter.
    first_cutoff: date = date(2010, 1, 1)

    # A loan file with a larger share of quarantined lines is refused.
    max_quarantine_share: float = Field(default=0.01, ge=0, le=1)
    # The engine that types and checks loan rows; both give the same rows. Spark runs on
    # SPARK_MASTER, whose workers must see the data root.
    loan_staging_engine: Engine = "polars"
    # Months between the last payment and the charge-off (methodology 1.4).
    default_lag_months: int = Field(default=5, ge=0, le=12)
    # The last month for which outcomes count as known; default: each loan's snapshot month.
    maturity_cutoff: date | None = None

    # Published versions that stay readable, and the GiB that their files may use together.
    kept_versions: int = Field(default=30, ge=1)
    kept_gib: float = Field(default=20.0, ge=0)

    # Memory of DuckDB in dbt and in exports; beyond it, DuckDB spills to disk. Default: a quarter
    # of the machine's, between 1 and 6 GB.
    duckdb_memory: str = Field(default_factory=_duckdb_memory, pattern=r"^\d+ ?(MB|GB|MiB|GiB)$")

    # Whether schedules, the drop-folder sensor and declarative automation start switched on.
    automation: bool = False
    # Days of Dagster's history that housekeeping keeps; the newest of each partition always stays.
    history_days: int = Field(default=30, ge=0)
    # Dagster's runs and events on PostgreSQL instead of SQLite.
    postgres_url: SecretStr | None = None

    # Alert sinks besides the log. The webhook's address is a secret, as it contains a token.
    alert_webhook: SecretStr | None = None
    alert_smtp_host: str | None = None
    alert_smtp_port: int = Field(default=587, ge=1, le=65535)
    alert_smtp_user: str | None = None
    alert_smtp_password: SecretStr | None = None
    alert_mail_from: str = "financial-pipeline@localhost"
    alert_mail_to: Names = ()

    # The brokers of another cluster; default: those of `stream up`. A user means SASL/SCRAM over
    # TLS.
    kafka_brokers: str | None = None
    kafka_user: str | None = None
    kafka_password: SecretStr | None = None
    kafka_ca_file: Path | None = None
    # `stream up` requires TLS and a password of its clients.
    kafka_secure: bool = False
    # How the job writes: keyed rows at least once, or in transactions.
    stream_delivery: Literal["at-least-once", "exactly-once"] = "at-least-once"
    # Width of a bar, seconds.
    stream_bar_seconds: int = Field(default=60, ge=1, le=3600)
    # Tasks of each operator of the job: the raw topic has three partitions, the TaskManager of
    # `stream up` four slots.
    stream_parallelism: int = Field(default=3, ge=1, le=4)

    # A Flink session cluster for `stream submit`, the token of a proxy before it, and the folder on
    # its machines with the login of Kafka.
    flink_url: str | None = Field(default=None, pattern=r"^https?://")
    flink_token: SecretStr | None = None
    flink_secrets: Path | None = None

    # Ports of the local Kafka and Flink of `stream up`; default: free ones.
    kafka_port: int | None = Field(default=None, ge=1024, le=65535)
    flink_port: int | None = Field(default=None, ge=1024, le=65535)
    # The jars of flink/jars.lock: cached here, fetched from a Maven mirror, or all in one folder.
    jars_cache: Path = _user_cache() / "financial-pipeline" / "jars"
    maven_mirror: str | None = None
    jars_dir: Path | None = None

    @model_validator(mode="before")
    @classmethod
    def _working_copy(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Replace an address as data root by the folder of its working copy."""
        root = values.get("data_root")
        if not isinstance(root, str) or not root.startswith("s3://"):
            return values
        place = root.removeprefix("s3://").strip("/")
        folder = _user_cache() / "financial-pipeline" / "object_storage" / place
        return values | {"data_root": folder, "object_storage": root}
