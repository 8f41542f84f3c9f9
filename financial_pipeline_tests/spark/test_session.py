"""What Spark needs is checked before any work, and each lack is one clear sentence."""

import os
import socket
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
from pyspark.sql import SparkSession

from financial_pipeline.errors import PipelineError
from financial_pipeline.spark import session

FakeJava = Callable[[str], None]


@pytest.fixture
def fake_java(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeJava:
    """Points JAVA_HOME at a java that says only its version."""

    def install(version_line: str) -> None:
        executable = tmp_path / "bin" / "java"
        executable.parent.mkdir()
        executable.write_text(f"#!/bin/sh\necho '{version_line}' >&2\n")
        executable.chmod(executable.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("JAVA_HOME", str(tmp_path))

    return install


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def test_missing_java_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PipelineError, match="there is no java on the PATH; install one"):
        session.check_prerequisites("local[2]")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(PipelineError, match="there is no java under JAVA_HOME"):
        session.check_prerequisites("local[2]")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('openjdk version "11.0.22" 2024-01-16', "is Java 11"),
        ('java version "1.8.0_402"', "is Java 8"),
        ("Error: could not find libjli.so", "is not a working Java"),
    ],
)
def test_wrong_java_is_one_sentence(fake_java: FakeJava, line: str, said: str) -> None:
    fake_java(line)
    with pytest.raises(PipelineError, match=f"{said}; point JAVA_HOME at one"):
        session.check_prerequisites("local[2]")


@pytest.mark.parametrize("line", ['openjdk version "17.0.15" 2025-04-15', 'java version "21"'])
def test_supported_java_passes(fake_java: FakeJava, line: str) -> None:
    fake_java(line)
    session.check_prerequisites("local[2]")


@pytest.mark.parametrize("scheme", ["spark", "sc"])
def test_unreachable_master_is_one_sentence(scheme: str) -> None:
    master = f"{scheme}://127.0.0.1:{free_port()}"
    with pytest.raises(PipelineError, match=f"The Spark master {master} does not answer"):
        session.check_prerequisites(master)


@pytest.mark.parametrize("name", ["yarn", "local[x]", "http://somewhere:7077", "spark://"])
def test_unknown_master_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(session.MASTER_VARIABLE, name)
    with pytest.raises(PipelineError, match="is no Spark master"):
        session.master()


def test_master_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(session.MASTER_VARIABLE, raising=False)
    assert session.master() == "local[2]"
    monkeypatch.setenv(session.MASTER_VARIABLE, "sc://cluster:15002")
    assert session.spark_config(session.master())["spark.remote"] == "sc://cluster:15002"


def test_demo_without_java_ends_before_any_work(tmp_path: Path) -> None:
    command = Path(sys.executable).with_name("financial-pipeline")
    environment = {**os.environ, "JAVA_HOME": str(tmp_path)}
    root = tmp_path / "data"
    done = subprocess.run(
        [command, "demo", "--data-root", root],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1
    assert "Spark needs Java 17 or 21" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not root.exists()


def test_ui_listens_on_loopback_and_its_address_is_known(spark: SparkSession) -> None:
    address = session.ui_address(spark)
    assert address is not None
    port = urlsplit(address).port
    assert address == f"http://127.0.0.1:{port}"
    listening = {
        one.laddr.ip.removeprefix("::ffff:")
        for one in psutil.net_connections("tcp")
        if one.status == psutil.CONN_LISTEN and one.laddr.port == port
    }
    assert listening == {"127.0.0.1"}
