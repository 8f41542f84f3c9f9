"""The servers of the compose file, run bare on loopback, work together."""

import json
import urllib.request
from contextlib import ExitStack
from pathlib import Path

import pytest

from financial_pipeline.local_cluster.ports import free_ports
from financial_pipeline_tests import postgres
from financial_pipeline_tests.docker_services import (
    SERVERS,
    environment_of,
    is_healthy,
    started,
)

JOBS_QUERY = "{ repositoriesOrError { ... on RepositoryConnection { nodes { jobs { name } } } } }"


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
