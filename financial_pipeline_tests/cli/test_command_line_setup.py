"""Setting up: what is missing is said before any work, and plain `dagster dev` works."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from financial_pipeline.cli.main import commands
from financial_pipeline.local_cluster.ports import free_ports
from financial_pipeline_tests.conftest import PROJECT_ROOT

ASSETS_QUERY = "{ assetNodes { assetKey { path } partitionDefinition { type } } }"
START_SECONDS = 180


@pytest.fixture
def bare_checkout(tmp_path: Path) -> Path:
    """The needs of `make` for a setup without an environment."""
    (tmp_path / "flink").mkdir()
    locks = ("requirements.lock", "requirements-dev.lock", "flink/jars.lock")
    for name in ("Makefile", "pyproject.toml", *locks):
        shutil.copy(PROJECT_ROOT / name, tmp_path / name)
    return tmp_path


def failed_make(folder: Path, *arguments: str, **variables: str) -> str:
    """The standard error of a `make` that must fail without making an environment."""
    done = subprocess.run(
        ["make", *arguments],
        cwd=folder,
        env={name: os.environ[name] for name in ("PATH", "HOME")} | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert not (folder / ".venv").exists()
    return done.stderr


def test_make_demo_without_java_says_so_before_any_work(bare_checkout: Path) -> None:
    message = failed_make(bare_checkout, "demo", JAVA_HOME=str(bare_checkout / "absent"))
    assert message.startswith("Java 17 or 21 is needed")


@pytest.mark.parametrize(("version", "fits"), [("11.0.2", False), ("17.0.15", True), ("21", True)])
def test_make_takes_java_17_and_21_only(bare_checkout: Path, version: str, fits: bool) -> None:
    java = bare_checkout / "home" / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\"' >&2\n")
    java.chmod(0o755)
    environment = os.environ | {"JAVA_HOME": str(bare_checkout / "home")}
    done = subprocess.run(["make", "java"], cwd=bare_checkout, env=environment, check=False)
    assert (done.returncode == 0) is fits


def test_make_with_an_old_python_says_which_one_it_needs(bare_checkout: Path) -> None:
    old = bare_checkout / "python2"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    message = failed_make(bare_checkout, "setup", f"PYTHON={old}")
    assert message.startswith("Python 3.11, 3.12 or 3.13 is needed")


def test_makefile_calls_only_commands_that_exist() -> None:
    called = re.findall(r"@\$\(RUN\) (\w+)", (PROJECT_ROOT / "Makefile").read_text("utf-8"))
    assert {"demo", "dev", "ingest", "transform", "docs"} <= set(called)
    assert set(called) <= set(commands.commands)


@pytest.mark.parametrize("name", sorted(commands.commands))
def test_every_command_has_help(name: str) -> None:
    result = CliRunner().invoke(commands, [name, "--help"])
    assert result.exit_code == 0
    assert len(result.output.splitlines()) > 4


def test_every_benchmark_is_a_command() -> None:
    files = (PROJECT_ROOT / "financial_pipeline" / "bench").glob("*.py")
    modules = [path.stem for path in files if "@click.command" in path.read_text("utf-8")]
    listed = CliRunner().invoke(commands, ["bench", "--help"]).output
    assert modules
    assert [name for name in modules if f"  {name} " not in listed] == []
    assert CliRunner().invoke(commands, ["bench", "absent"]).exit_code != 0


@contextmanager
def plain_dagster_dev(home: Path, port: int) -> Iterator[None]:
    """Start `dagster dev` in the checkout as the README says; its whole process group ends here."""
    shutil.copy(PROJECT_ROOT / "dagster.yaml", home)
    variables = {"DAGSTER_HOME": str(home), "FINANCIAL_PIPELINE_DATA_ROOT": str(home / "data")}
    environment = {k: v for k, v in os.environ.items() if k != "DAGSTER_EVENT_BATCH_SIZE"}
    command = [sys.executable, "-m", "dagster", "dev", "-h", "127.0.0.1", "-p", str(port)]
    with (
        (home / "log").open("w") as log,
        subprocess.Popen(
            command,
            cwd=PROJECT_ROOT,
            env=environment | variables,
            stdout=log,
            stderr=log,
            start_new_session=True,
        ) as server,
    ):
        try:
            yield
        finally:
            os.killpg(server.pid, signal.SIGTERM)


def ask(port: int, query: str) -> dict[str, object]:
    """Ask the web interface's own API, waiting until it serves."""
    body = json.dumps({"query": query}).encode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/graphql", body, {"Content-Type": "application/json"}
    )
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return dict(json.load(answer)["data"])
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(1)


@pytest.mark.slow
def test_plain_dagster_dev_shows_all_assets_and_stores_events_in_batches(tmp_path: Path) -> None:
    port = next(free_ports(1))
    with plain_dagster_dev(tmp_path, port):
        nodes = ask(port, ASSETS_QUERY)["assetNodes"]
        assert isinstance(nodes, list)
        layers = {node["assetKey"]["path"][0] for node in nodes}
        info = ask(port, "{ instance { info } }")["instance"]
    assert {"landing", "raw", "staging", "warehouse", "exports"} <= layers
    assert "BatchedSqliteEventLogStorage" in str(info)
    assert (tmp_path / "history" / "runs" / "index.db").exists()
