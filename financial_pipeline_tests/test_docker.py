"""The containers: rules of the compose file, and its commands run bare on loopback."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from financial_pipeline.local_cluster.ports import free_ports
from financial_pipeline_tests import postgres
from financial_pipeline_tests.conftest import PROJECT_ROOT

FOLDER = PROJECT_ROOT / "docker"
COMPOSE: dict[str, Any] = yaml.safe_load((FOLDER / "compose.yaml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
SERVERS = ("code", "webserver", "daemon", "dashboard")
JOBS_QUERY = "{ repositoriesOrError { ... on RepositoryConnection { nodes { jobs { name } } } } }"
WAIT_SECONDS = 180.0


@pytest.mark.parametrize("name", SERVICES)
def test_services_have_few_rights(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service


@pytest.mark.parametrize("name", sorted(set(SERVICES) - {"postgres"}))
def test_java_may_load_code_that_it_unpacks_into_the_temporary_folder(name: str) -> None:
    [options] = [each for each in SERVICES[name]["tmpfs"] if each.startswith("/tmp:")]
    assert "exec" in options.partition(":")[2].split(",")


@pytest.mark.parametrize("name", SERVICES)
def test_ports_are_published_on_loopback_only(name: str) -> None:
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[name].get("ports", []))


@pytest.mark.parametrize("name", sorted(set(SERVICES) - {"demo"}))
def test_services_have_a_health_check_that_can_fail(name: str) -> None:
    check = SERVICES[name]["healthcheck"]["test"]
    assert check[0] == "CMD"
    assert "exit 0" not in " ".join(check)


@pytest.mark.parametrize("name", SERVICES)
def test_services_wait_until_the_others_are_healthy(name: str) -> None:
    needed = SERVICES[name].get("depends_on", {})
    assert all(SERVICES[other]["healthcheck"] for other in needed)
    assert {rule["condition"] for rule in needed.values()} <= {"service_healthy"}


def test_webserver_and_daemon_wait_for_the_code_server() -> None:
    assert all("code" in SERVICES[name]["depends_on"] for name in ("webserver", "daemon"))


def test_no_password_is_written_down() -> None:
    texts = [json.dumps(service.get("environment", {})) for service in SERVICES.values()]
    assert not [text for text in texts if '"POSTGRES_PASSWORD"' in text]
    assert COMPOSE["secrets"]["postgres_password"]["file"] == "secrets/postgres_password"


def test_images_are_pinned_and_ours_does_not_run_as_root() -> None:
    lines = (FOLDER / "Dockerfile").read_text("utf-8").splitlines()
    bases = [line.split()[1] for line in lines if line.startswith("FROM ")]
    assert all(":" in base and not base.endswith(":latest") for base in bases)
    assert [line for line in lines if line.startswith("USER ")] == ["USER pipeline"]
    assert all("--require-hashes" in line for line in lines if "pip install" in line)


def test_the_image_contains_every_copied_file() -> None:
    lines = (FOLDER / "Dockerfile").read_text("utf-8").splitlines()
    copies = [line.split()[1:-1] for line in lines if line.startswith("COPY ") and "--" not in line]
    assert [name for names in copies for name in names if not (PROJECT_ROOT / name).exists()] == []


def _arguments(words: list[str], ports: dict[str, str]) -> list[str]:
    """The command of a container with the ports of this test, on loopback."""
    own = [word.replace("/opt/project", str(PROJECT_ROOT)) for word in words]
    named = [ports.get(word, word.replace("0.0.0.0", "127.0.0.1")) for word in own]
    for known, port in ports.items():
        named = [word.replace(f"127.0.0.1:{known}", f"127.0.0.1:{port}") for word in named]
    return named


def environment_of(folder: Path, database: str, ports: dict[str, str]) -> dict[str, str]:
    """The variables of a service, for servers on loopback."""
    return os.environ | {
        "PATH": f"{Path(sys.prefix) / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "POSTGRES_PASSWORD_FILE": str(folder / "password"),
        "POSTGRES_HOST": "127.0.0.1",
        "POSTGRES_PORT": database.rpartition(":")[2].partition("/")[0],
        "CODE_HOST": "127.0.0.1",
        "CODE_PORT": ports["4000"],
        "DAGSTER_HOME": str(folder / "dagster_home"),
        "FINANCIAL_PIPELINE_DATA_ROOT": str(folder),
        "STREAMLIT_SERVER_ADDRESS": "127.0.0.1",
    }


@contextmanager
def started(name: str, environment: dict[str, str], ports: dict[str, str]) -> Iterator[None]:
    """Run a service as its container does, and wait until its own health check passes."""
    command = _arguments(SERVICES[name]["command"], ports)
    check = _arguments(SERVICES[name]["healthcheck"]["test"][1:], ports)
    if name == "dashboard":
        command += ["--port", ports["8501"]]
    entry = str(FOLDER / "entrypoint.sh")
    with (Path(environment["FINANCIAL_PIPELINE_DATA_ROOT"]) / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(
            [entry, *command], cwd=PROJECT_ROOT, env=environment, stdout=log, stderr=log
        )
        try:
            deadline = time.monotonic() + WAIT_SECONDS
            # A check has the variables of its container, without those that the entry point adds.
            while subprocess.run(
                check, cwd=PROJECT_ROOT, env=environment, capture_output=True, check=False
            ).returncode:
                assert process.poll() is None, Path(log.name).read_text("utf-8")[-2000:]
                assert time.monotonic() < deadline, f"{name} is not healthy"
                time.sleep(1)
            yield
        finally:
            process.terminate()
            process.wait(60)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_commands_of_the_containers_work_together(tmp_path: Path) -> None:
    free = free_ports(3)
    ports = {known: str(next(free)) for known in ("4000", "3000", "8501")}
    (tmp_path / "password").write_text("unused", "utf-8")
    with postgres.server("dagster") as addresses, ExitStack() as stack:
        environment = environment_of(tmp_path, addresses["dagster"], ports)
        for name in SERVERS:
            stack.enter_context(started(name, environment, ports))
        request = urllib.request.Request(
            f"http://127.0.0.1:{ports['3000']}/graphql",
            data=json.dumps({"query": JOBS_QUERY}).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            nodes = json.load(answer)["data"]["repositoriesOrError"]["nodes"]
    assert "update_job" in {job["name"] for node in nodes for job in node["jobs"]}
