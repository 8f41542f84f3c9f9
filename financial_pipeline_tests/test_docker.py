"""Rules of the compose file, the Dockerfile and the development container."""

import json
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from financial_pipeline_tests.conftest import PROJECT_ROOT

FOLDER = PROJECT_ROOT / "docker"
COMPOSE: dict[str, Any] = yaml.safe_load((FOLDER / "compose.yaml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
# What each check asks: the service itself, by a command or at an address of it.
ASKED = {
    "postgres": "pg_isready",
    "code": "grpc-health-check -p 4000",
    "webserver": "http://127.0.0.1:3000/server_info",
    "daemon": "dagster-daemon liveness-check",
    "dashboard": "http://127.0.0.1:8501/_stcore/health",
    "stream": "financial-pipeline stream status",
    "kafka": "kafka-broker-api-versions.sh --bootstrap-server kafka:9092",
    "jobmanager": "http://127.0.0.1:8081/overview",
    "taskmanager": "http://jobmanager:8081/taskmanagers | grep -q taskmanager:6122",
    "submit": "http://jobmanager:8081/jobs/overview",
    "land": "financial-pipeline stream check",
    "spark-cluster": "http://spark-cluster:8080/json/",
    "spark-worker": "http://spark-worker:8081/json/",
    "spark": "create_connection(('127.0.0.1', 15002)",
}
# It runs once, and ends.
ONCE = {"demo"}
NEEDED = {
    "postgres": [],
    "code": ["postgres"],
    "webserver": ["code"],
    "daemon": ["code"],
    "dashboard": ["postgres"],
    "demo": ["postgres"],
    "stream": ["postgres"],
    "kafka": [],
    "jobmanager": [],
    "taskmanager": ["jobmanager"],
    "submit": ["kafka", "taskmanager"],
    "land": ["kafka"],
    "spark-cluster": [],
    "spark-worker": ["spark-cluster"],
    "spark": ["spark-worker"],
}
# The other images have an unprivileged user. That of our image owns the volume of checkpoints.
USERS = {"postgres": "postgres", "jobmanager": "10001:10001", "taskmanager": "10001:10001"}
OURS = {name for name, row in SERVICES.items() if row["image"].startswith("financial-pipeline:")}
NAMES_OF_SECRETS = re.compile("PASSWORD|SECRET|TOKEN|KEY|AUTH|TRUST")


@pytest.mark.parametrize("name", SERVICES)
def test_services_have_few_rights(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "network_mode", "pid", "ipc", "devices"} & service.keys()
    assert service.get("user") == USERS.get(name)
    # One folder of the machine, and only to read.
    binds = [volume for volume in service["volumes"] if "/" in volume.split(":")[0]]
    assert binds in ([], ["${DROP_FOLDER:-../drop}:/drop:ro"])


@pytest.mark.parametrize("name", sorted(set(SERVICES) - {"postgres"}))
def test_java_may_load_code_that_it_unpacks_into_the_temporary_folder(name: str) -> None:
    [options] = [each for each in SERVICES[name]["tmpfs"] if each.startswith("/tmp:")]
    assert "exec" in options.partition(":")[2].split(",")


@pytest.mark.parametrize("name", SERVICES)
def test_ports_are_published_on_loopback_only(name: str) -> None:
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[name].get("ports", []))


@pytest.mark.parametrize("name", sorted(set(SERVICES) - ONCE))
def test_services_have_a_health_check_that_asks_them(name: str) -> None:
    # Without a shell, which could hide what the command answers.
    kind, *words = SERVICES[name]["healthcheck"]["test"]
    assert kind == "CMD"
    assert ASKED[name] in " ".join(words)


def test_services_wait_until_those_that_they_need_are_healthy() -> None:
    needed = {name: service.get("depends_on", {}) for name, service in SERVICES.items()}
    assert {name: [*rules] for name, rules in needed.items()} == NEEDED
    rules = [rule for each in needed.values() for rule in each.values()]
    assert rules == [{"condition": "service_healthy"}] * len(rules)


def test_no_password_is_written_down() -> None:
    known = {"POSTGRES_PASSWORD_FILE": "/run/secrets/postgres_password"}
    for name, service in SERVICES.items():
        assert "env_file" not in service
        found = {k: v for k, v in service["environment"].items() if NAMES_OF_SECRETS.search(k)}
        if name not in OURS | {"postgres"}:
            assert (found, service.get("secrets")) == ({}, None)
            continue
        # The key of FRED is that of the person who starts the services, or none.
        assert found in (known, known | {"FRED_API_KEY": "${FRED_API_KEY:-}"})
        assert service["secrets"] == ["postgres_password"]
    assert COMPOSE["secrets"] == {"postgres_password": {"file": "secrets/postgres_password"}}


def test_a_command_makes_the_password_once_and_keeps_other_people_out(tmp_path: Path) -> None:
    shutil.copy(PROJECT_ROOT / "Makefile", tmp_path)
    file = tmp_path / "docker" / "secrets" / "postgres_password"
    texts = []
    for _ in range(2):
        subprocess.run(["make", "--silent", "docker-secrets"], cwd=tmp_path, check=True)
        texts.append(file.read_text("utf-8"))
    assert re.fullmatch("[0-9a-f]{48}", texts[0])
    assert texts[1] == texts[0]
    # Containers of other users read the file through its mount.
    assert [stat.S_IMODE(path.stat().st_mode) for path in (file.parent, file)] == [0o700, 0o444]
    assert (tmp_path / "drop").is_dir()


def test_the_compose_file_is_valid_by_its_schema() -> None:
    checker = Path(sys.executable).with_name("check-jsonschema")
    command = [checker, "--builtin-schema", "vendor.compose-spec", FOLDER / "compose.yaml"]
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout.decode()


def test_a_linter_has_nothing_against_the_dockerfile() -> None:
    linter = Path(sys.executable).with_name("hadolint")
    # Debian keeps no older version of a package that could be pinned.
    command = [linter, "--ignore", "DL3008", FOLDER / "Dockerfile"]
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout.decode()


def test_the_development_container_runs_the_demo() -> None:
    text = (PROJECT_ROOT / ".devcontainer" / "devcontainer.json").read_text("utf-8")
    container = json.loads(text)
    assert container["postCreateCommand"] == "make demo"
    assert container["image"].endswith("/python:3.11-bookworm")
    [java] = container["features"].values()
    assert java == {"version": "17"}


def test_images_are_pinned_and_ours_does_not_run_as_root() -> None:
    lines = (FOLDER / "Dockerfile").read_text("utf-8").splitlines()
    bases = [line.split()[1] for line in lines if line.startswith("FROM ")]
    assert bases == ["python:3.11-slim-bookworm"] * 2
    assert [line for line in lines if line.startswith("USER ")] == ["USER 10001"]
    installs = [line for line in lines if "pip install" in line]
    assert len(installs) == 1
    assert all("--require-hashes" in line for line in installs)
    images = {service["image"] for service in SERVICES.values()}
    assert images == {
        "postgres:17.6-bookworm",
        "apache/kafka:4.3.1",
        "flink:2.3.0-scala_2.12-java17",
        "financial-pipeline:latest",
    }
