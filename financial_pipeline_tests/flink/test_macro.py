"""Macro releases through a real broker into the raw archive: simulated ones, and FRED's."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from confluent_kafka.admin import AdminClient

from financial_pipeline.cli.stream import stream
from financial_pipeline.errors import PipelineError
from financial_pipeline.local_cluster.runtime import LocalRuntime
from financial_pipeline.local_cluster.topics import create_topics
from financial_pipeline.paths import Paths
from financial_pipeline.raw import archive
from financial_pipeline.schemas.stream import MACRO_TOPIC
from financial_pipeline.simulator.macro import write_macro
from financial_pipeline.streaming.logs import current_landing
from financial_pipeline.streaming.macro_landing import MacroLanded, land_macro
from financial_pipeline_tests.flink.conftest import eventually
from financial_pipeline_tests.raw.upstream import KEY, Upstream, serving


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with serving() as server:
        yield server


@pytest.fixture
def paths(runtime: LocalRuntime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    """A data root of its own and an empty macro topic on the session's broker."""
    monkeypatch.setenv("FINANCIAL_PIPELINE_KAFKA_BROKERS", runtime.bootstrap_servers)
    monkeypatch.setenv("FINANCIAL_PIPELINE_DATA_ROOT", str(tmp_path))
    admin = AdminClient(runtime.client)

    def is_there() -> bool:
        return MACRO_TOPIC in admin.list_topics(timeout=10).topics

    assert is_there()
    admin.delete_topics([MACRO_TOPIC])[MACRO_TOPIC].result()
    assert eventually(lambda: not is_there())
    create_topics(runtime.client, {MACRO_TOPIC: 1}, 1)
    assert eventually(is_there)
    return Paths(tmp_path)


def produce(*options: str) -> str:
    arguments = ["produce", "--macro", *options]
    return CliRunner().invoke(stream, arguments, catch_exceptions=False).output


@pytest.mark.parametrize("client", ["kafka-python", "confluent-kafka"])
def test_simulated_releases_land_once_however_often_they_are_produced(
    paths: Paths, client: str
) -> None:
    with pytest.raises(PipelineError, match=r"No simulated macro series in .*: run"):
        produce()
    folder = paths.simulated_landing / "fred"
    write_macro(folder, 7)
    (folder / "DTB3.json").unlink()
    count = sum(path.read_bytes().count(b"\n{") for path in folder.iterdir())
    told = f"Sent {count} macro releases to {MACRO_TOPIC}; 0 were there already.\n"
    assert produce("--client", client) == told
    assert land_macro(current_landing(paths), "test") == MacroLanded(count, count, 4)
    again = f"Sent 0 macro releases to {MACRO_TOPIC}; {count} were there already.\n"
    assert produce("--client", client) == again
    assert land_macro(current_landing(paths), "test") == MacroLanded()
    files = archive.accepted_files(paths, "fred_observations")
    assert {file.landed.subject for file in files} == {"CPIAUCSL", "FEDFUNDS", "GDPC1", "UNRATE"}


def test_a_revision_that_fred_publishes_later_is_all_that_is_sent_next(
    paths: Paths, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("SOURCE", "live"), ("FRED_URL", f"{upstream.url}/fred"),
                        ("FRED_SERIES", '["UNRATE"]'), ("CACHE_HOURS", "0"),
                        ("REQUEST_PAUSE_SECONDS", "0")):  # fmt: skip
        monkeypatch.setenv(f"FINANCIAL_PIPELINE_{name}", value)
    with pytest.raises(PipelineError, match="FRED needs an API key"):
        produce()
    monkeypatch.setenv("FRED_API_KEY", KEY)
    first = {"realtime_start": "2011-03-04", "date": "2011-02-01", "value": "8.9"}
    upstream.series["UNRATE"] = [first | {"realtime_end": "9999-12-31"}]
    assert produce().startswith("Sent 1 macro releases")
    upstream.series["UNRATE"] = [
        first | {"realtime_end": "2011-04-01"},
        first | {"realtime_start": "2011-04-02", "realtime_end": "9999-12-31", "value": "9.0"},
    ]
    assert produce() == f"Sent 1 macro releases to {MACRO_TOPIC}; 1 were there already.\n"
    assert land_macro(current_landing(paths), "test") == MacroLanded(2, 2, 1)
    (file,) = archive.accepted_files(paths, "fred_observations")
    assert (file.source, file.landed.rows_seen) == ("alfred", 2)
