"""Kafka, Flink and Spark in the compose file: addresses, versions, and the commands of the pods.

`test_kubernetes_clusters.py` runs these commands.
"""

import pytest

from financial_pipeline.local_cluster.jars import read_lock
from financial_pipeline.local_cluster.java_classes import JARS_LOCK
from financial_pipeline.settings import Settings
from financial_pipeline.spark.prerequisites import MASTER_VARIABLE, master
from financial_pipeline_tests.test_docker import FOLDER, SERVICES
from financial_pipeline_tests.test_kubernetes import container
from financial_pipeline_tests.test_kubernetes_clusters import locked

# Pod -> the service with its command, and names in one that are others in the other.
SAME = {
    "flink-jobmanager": ("jobmanager", {"address=flink": "address=jobmanager"}),
    "flink-taskmanager": (
        "taskmanager",
        {"address=flink": "address=jobmanager", "$(POD_IP)": "taskmanager"},
    ),
    "spark-cluster": ("spark-cluster", {}),
    "spark-worker": ("spark-worker", {"$(POD_IP)": "spark-worker"}),
    "spark-connect": ("spark", {"$(POD_IP)": "spark"}),
}
# Ports that only the health checks of compose ask.
FIXED_PORTS = {
    "taskmanager": ["-D", "taskmanager.rpc.port=6122"],
    "spark-worker": ["--webui-port", "8081"],
}


def _words(name: str) -> list[str]:
    service = SERVICES[name]
    return [*service.get("entrypoint", []), *service["command"]]


@pytest.mark.parametrize("pod", SAME)
def test_commands_are_those_of_the_pods(pod: str) -> None:
    name, names = SAME[pod]
    found = container(pod)
    expected = [*found["command"], *found["args"]]
    for there, here in names.items():
        expected = [word.replace(there, here) for word in expected]
    words, more = _words(name), FIXED_PORTS.get(name, [])
    assert " ".join(words).replace(" ".join(["", *more]), "", 1) == " ".join(expected)


def test_the_job_is_submitted_by_the_command_and_check_of_its_pod() -> None:
    service, pod = SERVICES["submit"], container("submit")
    assert pod["args"] == service["command"]
    check = [word.replace("//jobmanager:", "//flink:") for word in service["healthcheck"]["test"]]
    assert pod["readinessProbe"]["exec"]["command"] == check[1:]


def test_a_service_has_the_name_by_which_the_others_reach_it() -> None:
    for name in ("taskmanager", "spark-cluster", "spark-worker", "spark"):
        assert SERVICES[name]["hostname"] == name
    brokers = "kafka:9092"
    assert (
        SERVICES["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"] == f"PLAINTEXT://{brokers}"
    )
    for name in ("submit", "land"):
        assert SERVICES[name]["environment"]["FINANCIAL_PIPELINE_KAFKA_BROKERS"] == brokers
    flink = SERVICES["submit"]["environment"]["FINANCIAL_PIPELINE_FLINK_URL"]
    assert flink == "http://jobmanager:8081"


def test_the_broker_is_of_the_version_of_the_lock() -> None:
    versions = {jar.version for jar in read_lock(JARS_LOCK) if jar.artifact.startswith("kafka_")}
    assert {SERVICES["kafka"]["image"].partition(":")[2]} == versions
    flink = locked("apache-flink-libraries")
    assert SERVICES["jobmanager"]["image"] == f"flink:{flink}-scala_2.12-java17"


def test_the_clusters_are_named_by_variables_that_are_empty_by_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    environment = SERVICES["code"]["environment"]
    for name in (MASTER_VARIABLE, "FINANCIAL_PIPELINE_KAFKA_BROKERS"):
        assert environment[name] == f"${{{name}:-}}"
        monkeypatch.setenv(name, "")
    assert not Settings().kafka_brokers
    assert master() == "local[2]"


def test_the_address_in_the_head_of_the_file_is_that_of_the_connect_server() -> None:
    text = (FOLDER / "compose.yaml").read_text("utf-8")
    assert f"{MASTER_VARIABLE}=sc://spark:15002 docker compose --profile spark up" in text
    assert "--conf=spark.connect.grpc.binding.port=15002" in SERVICES["spark"]["command"]
