"""A whole demo with its data root in object storage equals the local one, whoever builds it.

A stream through Kafka and Flink lands in the bucket too.
"""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from financial_pipeline.paths import Paths
from financial_pipeline.publishing import working_copy
from financial_pipeline.publishing.manifest import channel_tables, read_manifest
from financial_pipeline.settings import Settings
from financial_pipeline_tests.command import CommandRun, run_command
from financial_pipeline_tests.conftest import SMALL_WORLD
from financial_pipeline_tests.flink.conftest import eventually
from financial_pipeline_tests.publishing.machines import published, value_of
from financial_pipeline_tests.s3_service import BUCKET, KEY_ID, SECRET, S3Service

# Each demo is bounded by `run_command`.
pytestmark = [pytest.mark.nightly, pytest.mark.timeout(3600)]

# The brokerless replay, as Kafka and Flink write nothing but their own local files.
WORLD = ("--loans", SMALL_WORLD)
DEMO = ("demo", *WORLD, "--no-stream")
MINUTES_OF_A_SESSION = 390
# When the topics of the log were looked at.
OF_A_MOMENT = {"stream/status"}


class Machines:
    """Machines of one folder of the bucket, each with a cache of its own."""

    def __init__(self, service: S3Service, folder: Path, name: str) -> None:
        # One cache of jars for all of them.
        jars = {"FINANCIAL_PIPELINE_JARS_CACHE": str(Settings().jars_cache)}
        self._variables, self._folder = service.variables() | jars, folder
        self._name = name

    def run(self, machine: str, *arguments: str) -> CommandRun:
        variables = self._variables | {"XDG_CACHE_HOME": str(self._folder / machine)}
        done = run_command(f"s3://{BUCKET}/{self._name}", *arguments, **variables)
        assert done.exit_code == 0, done.errors
        return done

    def copy(self, machine: str) -> Paths:
        place = "financial-pipeline", "object_storage", BUCKET, self._name
        return Paths(self._folder.joinpath(machine, *place))


@pytest.fixture(scope="module")
def machines(s3_service: S3Service, tmp_path_factory: pytest.TempPathFactory) -> Machines:
    """The machine `first` has run a whole demo."""
    machines = Machines(s3_service, tmp_path_factory.mktemp("machines"), "demo")
    machines.run("first", *DEMO)
    return machines


def hashes(paths: Paths) -> dict[str, str]:
    """The content hashes of all tables that do not describe runs or a log."""
    tables = read_manifest(paths).tables.items()
    return {
        key: table.content_hash
        for key, table in tables
        if table.layer != "operations" and key not in OF_A_MOMENT
    }


@pytest.fixture(scope="module")
def local_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A local data root of the same demo."""
    folder = tmp_path_factory.mktemp("local")
    done = run_command(folder, *DEMO)
    assert done.exit_code == 0, done.errors
    return folder


def test_every_table_equals_the_local_one(machines: Machines, local_root: Path) -> None:
    local, remote = hashes(Paths(local_root)), hashes(machines.copy("first"))
    assert len(local) > 40
    assert remote == local


def rounded(text: str) -> Any:
    """The figures of a command; DuckDB adds doubles in another order at each run."""
    return json.loads(text, parse_float=lambda number: f"{float(number):.9g}")


def test_another_machine_prints_the_same_figures(machines: Machines) -> None:
    first, second = (machines.run(name, "figures", "--json").output for name in ("first", "reader"))
    assert rounded(second) == rounded(first)
    query = "select count(*), sum(funded_amount_usd) from marts.fct_loans"
    sql = ("sql", "--format", "csv", query)
    assert machines.run("reader", *sql).output == machines.run("first", *sql).output
    assert not (machines.copy("reader").raw / "lending_club_loans").exists()


def test_another_machine_builds_equal_tables_from_the_raw_files(machines: Machines) -> None:
    before = hashes(machines.copy("first"))
    done = machines.run("builder", "transform", *WORLD)
    assert "Nothing to build" not in done.output
    batch = channel_tables(machines.copy("builder"), "batch")
    assert {key: table.content_hash for key, table in batch.items()}.items() <= before.items()
    assert (machines.copy("builder").raw / "lending_club_loans").exists()


def test_the_first_machine_has_nothing_to_do(machines: Machines) -> None:
    machines.run("first", *DEMO)
    done = machines.run("first", *DEMO)
    assert "Nothing changed since the last run" in done.output or "up to date" in done.output


def test_no_file_of_a_working_copy_contains_a_key(machines: Machines) -> None:
    home = machines.copy("first").data_root
    files = [path for path in home.rglob("*") if path.is_file()]
    assert len(files) > 500
    assert [path for path in files if contains_a_key(path)] == []


def contains_a_key(path: Path) -> bool:
    # Flink removes its checkpoints.
    with suppress(FileNotFoundError):
        content = path.read_bytes()
        return SECRET.encode() in content or KEY_ID.encode() in content
    return False


def bar_file(folder: Path) -> Path:
    """Write the minute bars of one session and of one bank."""
    opening = datetime(2019, 3, 19, 9, 30)
    times = [opening + timedelta(minutes=minute) for minute in range(MINUTES_OF_A_SESSION)]
    rows = [f"{at},100.00,101.00,99.00,{100 + at.minute / 100:.2f},{at.minute + 1}" for at in times]
    file = folder / "JPM_1min.csv"
    file.write_text("\n".join(["datetime,open,high,low,close,volume", *rows]), "utf-8")
    return file


@pytest.mark.usefixtures("runtime_plan")
def test_kafka_and_flink_land_in_the_bucket(s3_service: S3Service, tmp_path: Path) -> None:
    machines = Machines(s3_service, tmp_path, "streamed")

    def landed() -> str:
        machines.run("first", "stream", "land")
        query = "select engine, passed, bars_compared, produced from stream.parity"
        return machines.run("reader", "sql", "--format", "csv", query).output.splitlines()[-1]

    machines.run("first", "stream", "up")
    try:
        machines.run("first", "stream", "produce", str(bar_file(tmp_path)))
        assert eventually(lambda: landed().startswith(f"flink,true,{MINUTES_OF_A_SESSION},"))
    finally:
        machines.run("first", "stream", "down")
    assert not machines.copy("reader").stream_runtime.exists()


WRITER = """
import sys
from pathlib import Path
from financial_pipeline.paths import Paths
from financial_pipeline_tests.publishing.machines import published
print("ready", flush=True)
sys.stdin.readline()
published(Paths(Path(sys.argv[1])), 2)
"""


@contextmanager
def writing(paths: Paths) -> Iterator[Any]:
    """Start a process that publishes 2 after a line on its standard input."""
    command = [sys.executable, "-c", WRITER, str(paths.data_root)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"ready\n"
        yield writer


@pytest.mark.parametrize(("moment", "value"), [("before", 1), ("after", 2)])
def test_a_killed_process_leaves_one_whole_version(
    s3: S3Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str, value: int
) -> None:
    folder = f"killed-{moment}"
    here, reader = Paths(tmp_path / "here"), Paths(tmp_path / "reader")
    working_copy.prepare(here, f"s3://{BUCKET}/{folder}", builds=True)
    published(here, 1)
    with writing(here) as writer:

        def kill(request: str) -> bool:
            is_put = request == f"PUT {folder}/published.json"
            if is_put and writer.poll() is None:
                writer.kill()
                writer.wait()
            return is_put and moment == "before"

        monkeypatch.setattr(s3, moment, kill)
        writer.communicate(b"\n")
    assert writer.returncode == -signal.SIGKILL
    monkeypatch.setattr(s3, moment, lambda _: False)
    working_copy.prepare(reader, f"s3://{BUCKET}/{folder}", builds=True)
    assert (value_of(reader), value_of(here)) == (value, 1)
    working_copy.prepare(here, f"s3://{BUCKET}/{folder}", builds=True)
    assert value_of(here) == value
