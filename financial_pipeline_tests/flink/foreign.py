"""A stock Flink and a Kafka that wants a login, which commands know by address only."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from financial_pipeline.local_cluster.flink_rest import FlinkRest
from financial_pipeline.local_cluster.runtime import LocalRuntime, RuntimePlan
from financial_pipeline.local_cluster.security import PIPELINE
from financial_pipeline_tests.command import CommandRun, run_command
from financial_pipeline_tests.flink.minute_bars import published_minutes, write_bars


@dataclass(frozen=True)
class Foreign:
    """A cluster with none of our classes, and commands that know it by address."""

    runtime: LocalRuntime
    root: Path
    variables: dict[str, str]

    def run(self, *arguments: str, **variables: str) -> CommandRun:
        return run_command(self.root, "stream", *arguments, **(self.variables | variables))

    def produce(self, name: str, first: int, last: int, *options: str) -> None:
        file = self.root / name
        write_bars(file, 9, range(first, last))
        done = self.run("produce", str(file), "--label", "start", *options)
        assert done.exit_code == 0, done.errors

    def bars(self) -> list[int]:
        """Land what is there; the minutes of the published bars, each as often as it is there."""
        done = self.run("land")
        assert done.exit_code == 0, done.errors
        return published_minutes(self.root)


@contextmanager
def foreign_cluster(plan: RuntimePlan, folder: Path, user: str = PIPELINE) -> Iterator[Foreign]:
    """Run both; the commands log in as this user of the brokers."""
    root, secrets, empty = (folder / name for name in ("root", "secrets", "empty"))
    for place in (root, secrets, empty):
        place.mkdir()
    runtime = LocalRuntime(replace(plan, state=folder / "state", secure=True, topics={}))
    # A stock cluster: neither the connector nor the function nor the guard is on its class path.
    runtime.flink = replace(runtime.flink, connector=empty, classes=empty)
    runtime.rest = FlinkRest(runtime.rest_url)
    assert runtime.security
    variables = {
        "FINANCIAL_PIPELINE_KAFKA_BROKERS": runtime.bootstrap_servers,
        "FINANCIAL_PIPELINE_KAFKA_USER": user,
        "FINANCIAL_PIPELINE_KAFKA_PASSWORD": runtime.security.passwords[user],
        "FINANCIAL_PIPELINE_KAFKA_CA_FILE": str(runtime.security.ca_file),
        "FINANCIAL_PIPELINE_FLINK_URL": runtime.rest_url,
        "FINANCIAL_PIPELINE_FLINK_SECRETS": str(secrets),
    }
    try:
        runtime.start()
        found = Foreign(runtime, root, variables)
        done = found.run("access", str(secrets))
        assert done.exit_code == 0, done.errors
        yield found
    finally:
        runtime.end()
