"""The place of each layer under the data root, without reading or writing."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Paths:
    """The folders of one data root, one per layer."""

    data_root: Path

    @property
    def raw(self) -> Path:
        """The immutable archive: `<dataset>/<sha256>/<file name>` and `manifest.jsonl`."""
        return self.data_root / "raw"

    def landed_stream(self, engine: str) -> Path:
        """Landed offset ranges and their ledger, of the log that this engine works on."""
        return self.landed_streams / engine

    @property
    def landed_streams(self) -> Path:
        """The landed ranges and ledgers of all engines."""
        return self.raw / "stream"

    @property
    def replay_log(self) -> Path:
        """The topics of the brokerless replay."""
        return self.data_root / "replay_log"

    @property
    def simulated_landing(self) -> Path:
        """The drop folder that the simulator fills."""
        return self.data_root / "landing" / "simulated"

    @property
    def simulated_prices(self) -> Path:
        """The price files of the simulated world, which its trades follow."""
        return self.simulated_landing / "prices"

    @property
    def live_landing(self) -> Path:
        """The drop folder that live downloads are written to, in upstream form."""
        return self.data_root / "landing" / "live"

    @property
    def streamed_landing(self) -> Path:
        """Files in upstream form made of landed macro releases: `<engine>/<source>/<range>/`."""
        return self.data_root / "landing" / "stream"

    @property
    def live_csv(self) -> Path:
        """Dropped price files that stand in for a live provider."""
        return self.live_landing / "prices" / "csv"

    @property
    def http_cache(self) -> Path:
        """Answers of live sources, each kept until it expires."""
        return self.data_root / "cache" / "http"

    def staging(self, dataset: str) -> Path:
        """Folder of one staging dataset: one Parquet file per partition."""
        return self.data_root / "staging" / dataset

    @property
    def spark_files(self) -> Path:
        """Temporary files of Spark; the system's folder for them may be memory, or too small."""
        return self.data_root / "cache" / "spark"

    @property
    def warehouse_file(self) -> Path:
        """The DuckDB file that only dbt and the exports open."""
        return self.data_root / "warehouse" / "warehouse.duckdb"

    @property
    def dbt_target(self) -> Path:
        """dbt's target folder: manifest, compiled SQL and run results."""
        return self.data_root / "warehouse" / "target"

    @property
    def manifest(self) -> Path:
        """The published manifest: names the current folder of every published table."""
        return self.data_root / "published.json"

    def published_folder(self, layer: str, table: str, version: str) -> Path:
        """Immutable folder of one version of a published table."""
        return self.data_root / layer / table / version

    @property
    def object_storage_link(self) -> Path:
        """The address in object storage of which the data root is the working copy."""
        return self.data_root / "object_storage.json"

    @property
    def alert_ledger(self) -> Path:
        """Return the file of the open incidents that each alert sink was sent."""
        return self.data_root / "alerts.json"

    @property
    def stream_runtime(self) -> Path:
        """State of the local Kafka and Flink: their data, checkpoints, logs, and `status.json`."""
        return self.data_root / "stream_runtime"

    @property
    def log(self) -> Path:
        """Return the file of dbt's output in the runs that the commands started."""
        return self.data_root / "runs.log"

    @property
    def dagster_home(self) -> Path:
        """Dagster's instance folder."""
        return self.data_root / "dagster_home"
