"""The services of the compose file without a profile: together, and while each is killed."""

import json
import urllib.request
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from financial_pipeline.local_cluster.ports import free_ports
from financial_pipeline_tests import postgres
from financial_pipeline_tests.daemon import runs
from financial_pipeline_tests.daemon.server import Server, eventually
from financial_pipeline_tests.docker_services import (
    SERVERS,
    environment_of,
    is_healthy,
    started,
)

JOBS_QUERY = "{ repositoriesOrError { ... on RepositoryConnection { nodes { jobs { name } } } } }"

SECONDS = 900.0
LOCATION = "financial_pipeline"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_commands_of_the_containers_work_together(tmp_path: Path) -> None:
    free = free_ports(3)
    ports = {known: str(next(free)) for known in ("4000", "3000", "8501")}
    (tmp_path / "password").write_text("unused", "utf-8")
    with postgres.server("dagster") as addresses, ExitStack() as stack:
        environment = environment_of(tmp_path, addresses["dagster"], ports)
        for name in SERVERS:
            assert not is_healthy(name, environment, ports), name
            stack.enter_context(started(name, environment, ports))
        request = urllib.request.Request(
            f"http://127.0.0.1:{ports['3000']}/graphql",
            data=json.dumps({"query": JOBS_QUERY}).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            nodes = json.load(answer)["data"]["repositoriesOrError"]["nodes"]
    assert "update_job" in {job["name"] for node in nodes for job in node["jobs"]}


@dataclass
class Node:
    """The services of one node, each in processes of its own as in a container."""

    root: Path
    database: str
    ports: dict[str, str]
    running: dict[str, AbstractContextManager[None]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.server = Server(self.root)
        self.server.port = int(self.ports["3000"])
        self.variables = environment_of(self.root, self.database, self.ports) | {
            # An address of this machine that is no name of it, as `code` is for other containers.
            "CODE_HOST": "0.0.0.0",
            "FINANCIAL_PIPELINE_LOANS": "300",
        }

    def start(self, name: str) -> None:
        self.running[name] = started(name, self.variables, self.ports)
        self.running[name].__enter__()

    def kill(self, name: str) -> None:
        self.running.pop(name).__exit__(None, None, None)


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    free = free_ports(3)
    ports = {known: str(next(free)) for known in ("4000", "3000", "8501")}
    (tmp_path / "password").write_text("unused", "utf-8")
    with postgres.server("dagster") as addresses:
        node = Node(tmp_path, addresses["dagster"], ports)
        try:
            for name in SERVERS:
                node.start(name)
            yield node
        finally:
            for name in list(node.running):
                node.kill(name)


@pytest.mark.nightly
@pytest.mark.timeout(2700)
def test_a_lost_run_is_repeated_and_each_service_may_be_killed(node: Node) -> None:
    [first] = runs.launch(node.server, LOCATION, "update_job")
    eventually(lambda: runs.found(node.server, runIds=[first], statuses=["STARTED"]), "a run", 300)
    node.kill("code")
    node.start("code")
    assert runs.statuses(node.server, [first], 300) == {first: "FAILURE"}

    parent = {"key": "dagster/parent_run_id", "value": first}
    [again] = eventually(lambda: runs.found(node.server, tags=[parent]), "its repetition", 300)
    assert runs.statuses(node.server, [again["runId"]], SECONDS) == {again["runId"]: "SUCCESS"}

    for name in reversed(SERVERS):
        node.kill(name)
        node.start(name)
    postgres.restart(node.database)
    # The daemon works over the database that was restarted.
    [last] = runs.launch(node.server, LOCATION, "update_job")
    assert runs.statuses(node.server, [last], SECONDS) == {last: "SUCCESS"}
