"""Two code locations with our definitions in one Dagster: its queue and its pools hold for both."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from itertools import cycle, pairwise
from pathlib import Path
from typing import Any

import pytest

from financial_pipeline.defs.operations import RANGE_END
from financial_pipeline.local_cluster.ports import free_ports
from financial_pipeline.paths import Paths
from financial_pipeline.publishing.manifest import read_manifest
from financial_pipeline_tests import postgres
from financial_pipeline_tests.daemon import runs
from financial_pipeline_tests.daemon.server import Server, eventually
from financial_pipeline_tests.docker_services import environment_of, started

SECONDS = 900.0
LOCATIONS = ("financial_pipeline", "second")
JOBS = ("prices_job", "loans_job", "macro_job", "rejections_job", "shared_job", "releases_job")
MOST_RUNS = 4
# Steps of the pool `warehouse`.
POOLED = ("dbt_", "exports__agg_", "exports__dim_", "exports__fct_")
STATS = """query Stats($filter: RunsFilter) { runsOrError(filter: $filter) { ... on Runs { results {
    runId jobName startTime endTime stepStats { stepKey startTime endTime } } } } }"""
Span = tuple[float, float]


@dataclass
class TwoLocations:
    """Two code servers, the webserver and the daemon of the compose file, over one data root."""

    root: Path
    database: str
    running: dict[str, AbstractContextManager[None]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        page, *codes = (str(port) for port in free_ports(3))
        self.codes = dict(zip(LOCATIONS, codes, strict=True))
        self.server = Server(self.root)
        self.server.port = int(page)
        workspace = self.root / "workspace.yaml"
        entries = [
            f"  - grpc_server: {{host: 0.0.0.0, port: {port}, location_name: {name}}}\n"
            for name, port in self.codes.items()
        ]
        workspace.write_text(f"load_from:\n{''.join(entries)}", "utf-8")
        self.ports = {"3000": page, "docker/workspace.yaml": str(workspace)}
        (self.root / "password").write_text("unused", "utf-8")

    def start(self, name: str) -> None:
        """Start a code location, or another service."""
        service, code = ("code", self.codes[name]) if name in LOCATIONS else (name, "")
        ports = self.ports | {"4000": code}
        # An address of this machine that is no name of it, as `code` is for other containers.
        own = {"CODE_HOST": "0.0.0.0", "FINANCIAL_PIPELINE_LOANS": "300"}
        variables = environment_of(self.root, self.database, ports) | own
        self.running[name] = started(service, variables, ports, name)
        self.running[name].__enter__()

    def kill(self, name: str) -> None:
        self.running.pop(name).__exit__(None, None, None)

    def stats(self, ids: list[str]) -> list[dict[str, Any]]:
        found = self.server.ask(STATS, {"filter": {"runIds": ids}})["runsOrError"]["results"]
        return [dict(row) for row in found]

    def hashes(self) -> dict[str, str]:
        """The content hash of every published table but those about the runs themselves."""
        tables = read_manifest(Paths(self.root)).tables
        return {key: t.content_hash for key, t in tables.items() if "operations" not in key}


@pytest.fixture
def two(tmp_path: Path) -> Iterator[TwoLocations]:
    with postgres.server("dagster") as addresses:
        two = TwoLocations(tmp_path, addresses["dagster"])
        try:
            for name in (*LOCATIONS, "webserver", "daemon"):
                two.start(name)
            yield two
        finally:
            for name in list(two.running):
                two.kill(name)


def newest_partitions(two: TwoLocations) -> dict[str, tuple[str, str] | None]:
    """The last partition that the update has built of each family, by job."""
    rows = runs.found(two.server, statuses=["SUCCESS"])
    found = {row["jobName"]: row["tags"].get(RANGE_END) for row in rows}
    return {job: (key, key) if (key := found[job]) else None for job in JOBS}


def overlaps(spans: list[Span]) -> bool:
    ordered = sorted(spans)
    return any(later[0] < earlier[1] for earlier, later in pairwise(ordered))


def most_at_once(spans: list[Span]) -> int:
    return max(sum(start <= moment < end for start, end in spans) for moment, _ in spans)


def build_on_both(two: TwoLocations) -> None:
    """Start an update on each location, and kill the second one while both are under way."""
    kept, lost = (runs.launch(two.server, name, "update_job")[0] for name in LOCATIONS)
    started_both = {"runIds": [kept, lost], "statuses": ["STARTED"]}
    eventually(lambda: len(runs.found(two.server, **started_both)) == 2, "both runs", 300)
    two.kill("second")
    two.start("second")
    assert runs.statuses(two.server, [lost], 300) == {lost: "FAILURE"}
    parent = [{"key": "dagster/parent_run_id", "value": lost}]
    [again] = eventually(lambda: runs.found(two.server, tags=parent), "its repetition", 300)
    ids = [kept, again["runId"]]
    assert runs.statuses(two.server, ids, SECONDS) == dict.fromkeys(ids, "SUCCESS")


@pytest.mark.nightly
@pytest.mark.timeout(2700)
def test_runs_of_two_locations_share_the_queue_and_the_pools(two: TwoLocations) -> None:
    build_on_both(two)
    before = two.hashes()
    ids = [
        runs.launch(two.server, location, job, span=span)[0]
        for location, (job, span) in zip(
            cycle(LOCATIONS), newest_partitions(two).items(), strict=False
        )
    ]
    ended = runs.statuses(two.server, ids, SECONDS)
    assert [*ended.values()] == ["SUCCESS"] * len(JOBS)
    stats = two.stats(ids)
    assert 2 <= most_at_once([(row["startTime"], row["endTime"]) for row in stats]) <= MOST_RUNS
    steps = [step for row in stats for step in row["stepStats"]]
    pooled = [step for step in steps if step["stepKey"].startswith(POOLED)]
    assert len(pooled) > 2 * len(JOBS)
    assert not overlaps([(step["startTime"], step["endTime"]) for step in pooled])
    assert two.hashes() == before
