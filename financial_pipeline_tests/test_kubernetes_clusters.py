"""Clusters of Flink and Spark on Kubernetes: versions, addresses, sizes, and commands run bare."""

import json
import re
import subprocess
import sys
import time
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from financial_pipeline.local_cluster.java import find_flink
from financial_pipeline.local_cluster.ports import free_ports
from financial_pipeline.settings import Settings
from financial_pipeline.spark.prerequisites import DEFAULT_PORTS, MASTER_VARIABLE, master
from financial_pipeline_tests.conftest import PROJECT_ROOT
from financial_pipeline_tests.spark.standalone import SPARK_HOME, Server, environment
from financial_pipeline_tests.test_kubernetes import FILES, FOLDER, RUNNING, container, of_kind

PAGE = (PROJECT_ROOT / "docs" / "kubernetes.md").read_text("utf-8")
MEBIBYTES = {"m": 1, "Mi": 1, "g": 1024, "Gi": 1024}
LOOPBACK = "127.0.0.1"
START_SECONDS = 180.0
# What the daemons of Spark print once they are ready, in the order in which they start.
SPARK_READY = {
    "spark-cluster": r"Starting Spark master at (\S+)",
    "spark-worker": r"Successfully registered with master (\S+)",
    "spark-connect": r"Spark Connect server started at: (\S+)",
}
SUM = """
from financial_pipeline.spark.session import start_session
session = start_session()
print(session.version, session.range(1000).repartition(3).groupBy().sum("id").first()[0])
"""


def locked(package: str) -> str:
    text = (PROJECT_ROOT / "requirements.lock").read_text("utf-8")
    found = re.search(rf"^{package}==(\S+)", text, re.MULTILINE)
    assert found
    return found.group(1)


def mebibytes(size: str) -> int:
    number, unit = re.fullmatch(r"(\d+)(\D+)", size).groups()  # type: ignore[union-attr]
    return int(number) * MEBIBYTES[unit]


def arguments(name: str) -> str:
    """The command and arguments of a pod in one line."""
    found = container(name)
    return " ".join([*found["command"], *found["args"]])


def option(name: str, key: str) -> str:
    """The value of an option of a pod: `--key value`, `--key=value` or `key=value`."""
    found = re.search(rf"(?<!\S)(?:--|--conf=)?{re.escape(key)}[= ](\S+)", arguments(name))
    assert found, key
    return found.group(1)


def test_versions_are_those_of_the_locks() -> None:
    flink = locked("apache-flink-libraries")
    images = {container(name)["image"] for name in RUNNING if name.startswith("flink")}
    assert images == {f"flink:{flink}-scala_2.12-java17"}
    assert f"--version {locked('dagster')} " in PAGE
    assert {f"Flink {flink}", f"Spark {locked('pyspark')}"} <= set(
        re.findall(r"(?:Flink|Spark) \d+\.\d+\.\d+", PAGE)
    )


def test_the_address_of_spark_is_that_of_its_service(monkeypatch: pytest.MonkeyPatch) -> None:
    [found] = re.findall(rf"{MASTER_VARIABLE}=(\S+)", PAGE)
    monkeypatch.setenv(MASTER_VARIABLE, found)
    services = of_kind("Service")
    [port] = services["spark"]["spec"]["ports"]
    assert master() == f"sc://spark:{port['port']}"
    assert port["port"] == DEFAULT_PORTS["sc"]
    assert option("spark-connect", "spark.connect.grpc.binding.port") == str(port["port"])
    [cluster] = services["spark-cluster"]["spec"]["ports"]
    address = f"spark://{RUNNING['spark-cluster']['hostname']}:{cluster['port']}"
    assert option("spark-connect", "master") == address
    assert arguments("spark-worker").endswith(f" {address}")
    assert option("spark-cluster", "host") == "spark-cluster"
    assert option("spark-cluster", "port") == str(cluster["port"])


def test_the_address_of_flink_is_that_of_its_service() -> None:
    [found] = re.findall(r"FINANCIAL_PIPELINE_FLINK_URL=(\S+)", PAGE)
    ports = {row["name"]: row["port"] for row in of_kind("Service")["flink"]["spec"]["ports"]}
    assert Settings(flink_url=found).flink_url == f"http://flink:{ports['rest']}"
    submit = {row["name"]: row["value"] for row in container("submit")["env"]}
    assert submit["FINANCIAL_PIPELINE_FLINK_URL"] == found
    assert option("flink-jobmanager", "blob.server.port") == str(ports["blob"])
    for name in ("flink-jobmanager", "flink-taskmanager"):
        assert option(name, "jobmanager.rpc.address") == "flink"
    slots = int(option("flink-taskmanager", "taskmanager.numberOfTaskSlots"))
    assert slots >= Settings().stream_parallelism


@pytest.mark.parametrize(
    ("name", "keys", "beyond"),
    [
        ("flink-jobmanager", ["jobmanager.memory.process.size"], 0),
        ("flink-taskmanager", ["taskmanager.memory.process.size"], 0),
        # Beyond the heap of an executor Spark takes a tenth of it, or 384 MiB.
        ("spark-worker", ["memory"], 384 + 512),
        ("spark-connect", ["driver-memory"], 512),
    ],
)
def test_processes_fit_into_their_pods(name: str, keys: list[str], beyond: int) -> None:
    taken = sum(mebibytes(option(name, key)) for key in keys) + beyond
    limit = mebibytes(container(name)["resources"]["limits"]["memory"])
    assert taken < limit <= 2 * taken
    assert option("spark-connect", "executor-memory") == option("spark-worker", "memory")


def test_only_clusters_replace_the_entry_point_of_their_image() -> None:
    named = {name for name in RUNNING if "command" in container(name)}
    clusters = {m["metadata"]["name"] for n in ("flink", "spark") for m in FILES[n]}
    assert named == clusters - {"flink", "spark", "submit"}


def test_manifests_of_the_tests_are_all_files_of_the_folder() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == {*FILES, "dagster-values"}


def started(name: str, folder: Path, places: dict[str, str], *more: str) -> Server:
    """Start the command of a pod with names, ports and folders of this machine."""
    found = container(name)
    words = [*found["command"], *found["args"], *more]
    for known, here in ({"$(POD_IP)": LOOPBACK, "0.0.0.0": LOOPBACK} | places).items():
        words = [word.replace(known, here) for word in words]
    log = folder / f"{name}.log"
    variables = {row["name"]: row["value"] for row in found["env"] if "value" in row}
    variables |= {key: str(folder) for key, value in variables.items() if value.startswith("/tmp")}
    path = f"{SPARK_HOME / 'bin'}:{environment()['PATH']}"
    with log.open("wb") as output:
        process = subprocess.Popen(
            words,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment(**variables, PATH=path, SPARK_HOME=str(SPARK_HOME)),
            cwd=folder,
        )
    return Server(process, log)


@pytest.mark.nightly
def test_spark_computes_behind_the_commands_of_its_pods(tmp_path: Path) -> None:
    cluster, connect, pages = map(str, free_ports(3))
    places = {"7077": cluster, "15002": connect, "8080": pages, "/tmp": str(tmp_path)}
    with ExitStack() as stack:
        for name, ready in SPARK_READY.items():
            server = started(name, tmp_path, {"spark-cluster": LOOPBACK} | places)
            stack.callback(server.stop)
            assert server.said(ready)
        computed = subprocess.run(
            [sys.executable, "-c", SUM],
            env=environment(**{MASTER_VARIABLE: f"sc://{LOOPBACK}:{connect}"}),
            cwd=PROJECT_ROOT,
            capture_output=True,
            text=True,
            timeout=START_SECONDS,
            check=True,
        )
    assert computed.stdout.split() == [locked("pyspark"), "499500"]


def _overview(port: str) -> dict[str, Any]:
    """Return the answer of Flink's REST server, or nothing while there is none."""
    try:
        with urllib.request.urlopen(f"http://{LOOPBACK}:{port}/overview", timeout=5) as answer:
            return dict(json.load(answer))
    except OSError:
        return {}


@pytest.mark.nightly
def test_flink_has_its_slots_by_the_commands_of_its_pods(tmp_path: Path) -> None:
    rest, rpc, blob = map(str, free_ports(3))
    places = {
        "/opt/flink/": f"{find_flink()}/",
        "address=flink": f"address={LOOPBACK}",
        "6124": blob,
        "/data": str(tmp_path),
        "/tmp": str(tmp_path),
    }
    ports = ("-D", f"jobmanager.rpc.port={rpc}", "-D", f"rest.port={rest}")
    with ExitStack() as stack:
        for name in ("flink-jobmanager", "flink-taskmanager"):
            stack.callback(started(name, tmp_path, places, *ports).stop)
        deadline = time.monotonic() + START_SECONDS
        while not (found := _overview(rest)).get("slots-total") and time.monotonic() < deadline:
            time.sleep(1)
    assert found["slots-total"] == 4
    assert found["flink-version"] == locked("apache-flink-libraries")
