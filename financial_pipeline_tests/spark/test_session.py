"""The prerequisites of Spark are checked before any work, and each lack is one clear sentence."""

import socket
import stat
from collections.abc import Callable
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit

import polars as pl
import psutil
import pytest
from pyspark.sql import SparkSession

from financial_pipeline.defs import early_spark
from financial_pipeline.errors import PipelineError
from financial_pipeline.local_cluster.ports import free_ports
from financial_pipeline.paths import Paths
from financial_pipeline.publishing.manifest import publish_tables
from financial_pipeline.publishing.writer import write_table
from financial_pipeline.schemas.contract import Table
from financial_pipeline.schemas.marts import MARTS
from financial_pipeline.spark import prerequisites, session
from financial_pipeline_tests.command import run_command
from financial_pipeline_tests.spark.metric_assets import publish_marts

MASTER = prerequisites.MASTER_VARIABLE
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


def test_missing_java_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PipelineError, match="there is no java on the PATH; install one"):
        prerequisites.check_prerequisites("local[2]")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(PipelineError, match="there is no java under JAVA_HOME"):
        prerequisites.check_prerequisites("local[2]")


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
        prerequisites.check_prerequisites("local[2]")


@pytest.mark.parametrize("line", ['openjdk version "17.0.15" 2025-04-15', 'java version "21"'])
def test_supported_java_passes(fake_java: FakeJava, line: str) -> None:
    fake_java(line)
    prerequisites.check_prerequisites("local[2]")


@pytest.mark.parametrize("scheme", ["spark", "sc"])
def test_unreachable_master_is_one_sentence(scheme: str) -> None:
    master = f"{scheme}://127.0.0.1:{next(free_ports(1))}"
    with pytest.raises(PipelineError, match=f"The Spark master {master} does not answer"):
        prerequisites.check_prerequisites(master)


def test_what_listens_but_is_no_connect_server_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(prerequisites, "GREETING_SECONDS", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        master = f"sc://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(PipelineError, match="no Spark Connect server in 1 seconds"):
            prerequisites.check_prerequisites(master)


@pytest.mark.parametrize("name", ["yarn", "local[x]", "http://somewhere:7077", "spark://"])
def test_unknown_master_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(prerequisites.MASTER_VARIABLE, name)
    with pytest.raises(PipelineError, match="is no Spark master"):
        prerequisites.master()


def test_master_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(prerequisites.MASTER_VARIABLE, raising=False)
    assert prerequisites.master() == "local[2]"
    monkeypatch.setenv(prerequisites.MASTER_VARIABLE, "sc://cluster:15002")
    assert session.spark_config(prerequisites.master())["spark.remote"] == "sc://cluster:15002"


def test_a_large_loan_file_gets_the_thorough_compiler(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def options() -> str:
        return str(session.spark_config("local[2]")["spark.driver.extraJavaOptions"])

    drop, root = tmp_path / "drop", tmp_path / "root"
    drop.mkdir()
    monkeypatch.setenv("FINANCIAL_PIPELINE_LANDING", str(drop))
    monkeypatch.setenv("FINANCIAL_PIPELINE_DATA_ROOT", str(root))
    (drop / "gone.csv").symlink_to(tmp_path / "nowhere.csv")
    assert "-XX:TieredStopAtLevel=1" in options()
    with (drop / "accepted.csv").open("wb") as file:
        # A file with a hole, which takes no disk.
        file.truncate(session.LARGE_FILE_BYTES + 1)
    assert "-XX:TieredStopAtLevel=1" not in options()
    archived = root / "raw" / "lending_club_loans" / "00" / "accepted.csv"
    archived.parent.mkdir(parents=True)
    (drop / "accepted.csv").rename(archived)
    assert "-XX:TieredStopAtLevel=1" not in options()


def test_temporary_files_of_spark_are_below_the_data_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SPARK_LOCAL_DIRS", raising=False)
    monkeypatch.setenv("FINANCIAL_PIPELINE_DATA_ROOT", str(tmp_path / "root"))
    config = session.spark_config("local[2]")
    assert config["spark.local.dir"] == str(tmp_path / "root" / "cache" / "spark")
    assert "spark.local.dir" not in session.spark_config("sc://cluster:15002")
    monkeypatch.setenv("FINANCIAL_PIPELINE_DATA_ROOT", str(tmp_path / "one, two"))
    assert "spark.local.dir" not in session.spark_config("local[2]")
    monkeypatch.setenv("FINANCIAL_PIPELINE_DATA_ROOT", str(tmp_path / "root"))
    monkeypatch.setenv("SPARK_LOCAL_DIRS", "/scratch")
    assert "spark.local.dir" not in session.spark_config("local[2]")


NO_JAVA = "Error: Spark needs Java 17 or 21 and there is no java under JAVA_HOME; install one"
LACKS = {
    "no Java": ({"JAVA_HOME": "nowhere"}, NO_JAVA),
    "Java 11": ({}, "is Java 11; point JAVA_HOME at one."),
    "standalone": ({MASTER: "spark://127.0.0.1:1"}, "spark://127.0.0.1:1 does not answer"),
    "connect": ({MASTER: "sc://127.0.0.1:1"}, "sc://127.0.0.1:1 does not answer"),
    "unknown": ({MASTER: "yarn"}, "SPARK_MASTER=yarn is no Spark master"),
}


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("command", ["demo", "transform"])
@pytest.mark.parametrize("lack", LACKS)
def test_commands_end_before_any_work_where_spark_cannot_start(
    command: str, lack: str, fake_java: FakeJava, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    root = tmp_path / "data"
    publish_marts(root, {"dim_grade": pl.DataFrame({"grade": ["A"]})})
    before = contents(root)
    if lack == "Java 11":
        fake_java('openjdk version "11.0.22" 2024-01-16')
    variables, said = LACKS[lack]
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    done = run_command(root, command)
    # The line that a command begins with, and nothing else.
    begun = f"Source: simulated. Everything is written to {root}\n"
    assert (done.exit_code, done.output) == (1, begun)
    assert said in done.errors
    assert len(done.errors.strip().splitlines()) == 1
    assert before
    assert contents(root) == before


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


def test_a_first_query_reads_published_prices(spark: SparkSession, tmp_path: Path) -> None:
    paths, table = Paths(tmp_path), MARTS["fct_daily_prices"]
    days = [date(2019, 3, 28), date(2019, 3, 29)]
    rows = pl.DataFrame({"symbol": ["JPM"] * 2, "session_date": days, "close": [101.0, 102.0]})
    contract: Table[pl.DataType] = Table(table.layer, table.name, "", ("symbol", "session_date"))
    publish_tables(paths, "batch", [write_table(paths, contract, rows)], {})
    assert early_spark._first_query(spark, paths).to_pydict() == {"total": [101.0, 203.0]}
