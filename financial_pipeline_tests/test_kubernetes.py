"""The manifests of Kubernetes: valid by its schemas, and the same services as the compose file."""

import copy
import tomllib
from typing import Any

import kubernetes_validate
import pytest
import yaml

from financial_pipeline_tests.conftest import PROJECT_ROOT
from financial_pipeline_tests.test_docker import COMPOSE, SERVICES

FOLDER = PROJECT_ROOT / "docker" / "kubernetes"
# The services without a profile of the compose file, its one container of a stream, and clusters.
FILES: dict[str, list[dict[str, Any]]] = {
    name: list(yaml.safe_load_all((FOLDER / f"{name}.yaml").read_text("utf-8")))
    for name in ("pipeline", "stream", "flink", "spark")
}
MANIFESTS = [manifest for manifests in FILES.values() for manifest in manifests]
# The oldest and the newest that the page promises.
VERSIONS = ("1.32", "1.37")
RUNNING = {
    manifest["metadata"]["name"]: manifest["spec"]["template"]["spec"]
    for manifest in MANIFESTS
    if manifest["kind"] in ("Deployment", "StatefulSet")
}
OURS = ["code", "daemon", "dashboard", "stream", "webserver"]
# The services of the clusters, and the pods behind them.
CLUSTERS = {"flink": "flink-jobmanager", "spark": "spark-connect", "spark-cluster": "spark-cluster"}


def of_kind(kind: str) -> dict[str, dict[str, Any]]:
    return {m["metadata"]["name"]: m for m in MANIFESTS if m["kind"] == kind}


def container(name: str) -> dict[str, Any]:
    [only] = RUNNING[name]["containers"]
    return dict(only)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    "manifest", MANIFESTS, ids=lambda m: f"{m['kind']}-{m['metadata']['name']}"
)
def test_manifests_are_valid_and_have_no_unknown_field(
    manifest: dict[str, Any], version: str
) -> None:
    kubernetes_validate.validate(manifest, version, strict=True)


def test_a_misspelt_field_is_found() -> None:
    manifest = copy.deepcopy(of_kind("Deployment")["code"])
    manifest["spec"]["template"]["spec"]["containers"][0]["readinesProbe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(manifest, VERSIONS[0], strict=True)


def test_every_service_that_compose_keeps_running_has_a_pod() -> None:
    chosen = (None, ["small-stream"])
    kept = {n for n, row in SERVICES.items() if row.get("profiles") in chosen}
    assert {"postgres", *OURS} == kept
    [only] = FILES["stream"]
    assert only["metadata"]["name"] == "stream"
    clusters = {m["metadata"]["name"] for name in ("flink", "spark") for m in FILES[name]}
    assert set(RUNNING) == kept | (clusters - {"flink", "spark"})


@pytest.mark.parametrize("name", OURS)
def test_commands_and_checks_are_those_of_compose(name: str) -> None:
    found = container(name)
    assert found["args"] == SERVICES[name]["command"]
    # Without a command of its own the pod runs the entry point of the image.
    assert "command" not in found
    checks = [found[kind]["exec"]["command"] for kind in found if kind.endswith("Probe")]
    assert checks == [SERVICES[name]["healthcheck"]["test"][1:]] * 2


def test_the_database_has_the_image_and_check_of_compose() -> None:
    database = container("postgres")
    assert database["image"] == SERVICES["postgres"]["image"]
    check = database["readinessProbe"]["exec"]["command"]
    assert check == SERVICES["postgres"]["healthcheck"]["test"][1:]


def test_the_image_has_the_version_of_the_project() -> None:
    project = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    images = {
        container(name)["image"] for name in RUNNING if name.startswith((*OURS, "spark", "submit"))
    }
    assert images == {f"financial-pipeline:{project['version']}"}


@pytest.mark.parametrize("name", RUNNING)
def test_pods_have_few_rights(name: str) -> None:
    pod, rights = RUNNING[name], container(name)["securityContext"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert rights["allowPrivilegeEscalation"] is False
    assert rights["readOnlyRootFilesystem"] is True
    assert rights["capabilities"] == {"drop": ["ALL"]}
    # Otherwise the Service `postgres` sets POSTGRES_PORT to an address, which the image reads.
    assert pod["enableServiceLinks"] is False
    assert "hostNetwork" not in pod
    assert not [volume for volume in pod["volumes"] if "hostPath" in volume]


@pytest.mark.parametrize("name", RUNNING)
def test_pods_have_a_bound_of_memory_and_a_mount_for_each_volume(name: str) -> None:
    pod, found = RUNNING[name], container(name)
    assert found["resources"]["limits"]["memory"]
    volumes = {volume["name"] for volume in pod["volumes"]}
    mounts = {mount["name"] for mount in found["volumeMounts"]}
    assert mounts - {"database"} == volumes


def test_settings_are_those_of_compose() -> None:
    environment = COMPOSE["x-service"]["environment"]
    # `kubectl set env` takes the key of FRED from a secret, and names the clusters.
    later = {"FRED_API_KEY", "FINANCIAL_PIPELINE_KAFKA_BROKERS", "SPARK_MASTER"}
    assert set(of_kind("ConfigMap")["settings"]["data"]) == set(environment) - later


def test_nothing_is_reachable_from_outside_the_cluster() -> None:
    services = of_kind("Service")
    pods = {"code", "webserver", "dashboard", "postgres"}
    assert {name: row["spec"]["type"] for name, row in services.items()} == dict.fromkeys(
        (*pods, *CLUSTERS), "ClusterIP"
    )
    behind = {name: row["spec"]["selector"]["app"] for name, row in services.items()}
    assert behind == {name: name for name in pods} | CLUSTERS
    assert "Ingress" not in {manifest["kind"] for manifest in MANIFESTS}
    [rule] = of_kind("NetworkPolicy")["pipeline-only"]["spec"]["ingress"]
    assert rule == {"from": [{"podSelector": {}}]}


def test_no_secret_is_written_down() -> None:
    assert "Secret" not in {manifest["kind"] for manifest in MANIFESTS}
    secrets = [v["secret"] for pod in RUNNING.values() for v in pod["volumes"] if "secret" in v]
    assert {secret["secretName"] for secret in secrets} == {"postgres"}
