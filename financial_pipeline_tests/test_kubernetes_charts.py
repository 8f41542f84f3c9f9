"""Values of Dagster's chart: the same Dagster as in containers, by the rules of the manifests."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml
from dagster._config import process_config
from dagster._core.instance.ref import InstanceRef
from dagster_postgres.utils import pg_url_from_config
from kubernetes_validate.utils import schema_contents
from referencing import Registry, Resource

from financial_pipeline.event_storage.postgres import CleanPostgresRunStorage
from financial_pipeline.settings import Settings
from financial_pipeline_tests.conftest import PROJECT_ROOT
from financial_pipeline_tests.test_docker import SERVICES
from financial_pipeline_tests.test_kubernetes import (
    FILES,
    FOLDER,
    RUNNING,
    VERSIONS,
    container,
    of_kind,
)

VALUES: dict[str, Any] = yaml.safe_load((FOLDER / "dagster-values.yaml").read_text("utf-8"))
[CODE] = VALUES["dagster-user-deployments"]["deployments"]
PODS = {"code": CODE, "webserver": VALUES["dagsterWebserver"], "daemon": VALUES["dagsterDaemon"]}
PAGE = (PROJECT_ROOT / "docs" / "kubernetes.md").read_text("utf-8")
INSTANCE: dict[str, Any] = yaml.safe_load(
    (PROJECT_ROOT / "docs" / "dagster.postgres.yaml").read_text("utf-8")
)
STORAGES = ("run_storage", "schedule_storage", "event_log_storage")
# A folder with the unpacked chart: values.yaml and values.schema.json.
CHART_VARIABLE = "FINANCIAL_PIPELINE_DAGSTER_CHART"


def image_name(image: dict[str, str]) -> str:
    return f"{image['repository']}:{image['tag']}"


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, f"{path}.{key}")
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner, path)
    else:
        yield path, value


def chart_instance() -> dict[str, Any]:
    """The part of the chart's dagster.yaml that comes from these values, by its templates."""
    concurrency, monitoring = VALUES["concurrency"], VALUES["dagsterDaemon"]["runMonitoring"]
    return {
        "run_launcher": VALUES["runLauncher"]["config"]["customRunLauncher"],
        "compute_logs": VALUES["computeLogManager"]["config"]["customComputeLogManager"],
        "concurrency": {
            "pools": {
                "default_limit": concurrency["pools"]["defaultLimit"],
                "granularity": concurrency["pools"]["granularity"],
            },
            "runs": {"max_concurrent_runs": concurrency["runs"]["maxConcurrentRuns"]},
        },
        "run_monitoring": {
            re.sub("[A-Z]", lambda found: f"_{found[0].lower()}", key): value
            for key, value in monitoring.items()
        },
        "telemetry": VALUES["telemetry"],
        **VALUES["additionalInstanceConfig"],
    }


@pytest.mark.parametrize("name", PODS)
def test_pods_of_the_chart_have_the_image_rights_and_bounds_of_the_manifests(name: str) -> None:
    found, known = PODS[name], container(name)
    assert image_name(found["image"]) == known["image"]
    assert found["podSecurityContext"] == RUNNING[name]["securityContext"]
    assert found["securityContext"] == known["securityContext"]
    assert found["resources"] == known["resources"]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", PODS)
def test_what_the_chart_copies_into_its_pods_is_valid(name: str, version: str) -> None:
    values = PODS[name]
    # The chart takes out the name `enabled`, which Kubernetes does not know.
    probes = {
        probe: {key: value for key, value in values[probe].items() if key != "enabled"}
        for probe in ("startupProbe", "readinessProbe", "livenessProbe")
        if probe in values
    }
    copied = ("securityContext", "resources", "volumeMounts", "env")
    manifest = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {
            "securityContext": values["podSecurityContext"],
            "volumes": values["volumes"],
            "containers": [
                {"name": name, **probes, **{key: values[key] for key in copied if key in values}}
            ],
        },
    }
    kubernetes_validate.validate(manifest, version, strict=True)


def test_other_images_of_the_chart_are_pinned() -> None:
    assert image_name(VALUES["postgresql"]["image"]) == SERVICES["postgres"]["image"]
    assert image_name(VALUES["busybox"]["image"]) == "docker.io/busybox:1.28"


def test_dagster_is_configured_as_in_containers() -> None:
    external = VALUES["postgresql"]
    address = {
        "username": external["postgresqlUsername"],
        "password": {"env": "DAGSTER_PG_PASSWORD"},
        "hostname": external["postgresqlHost"],
        "db_name": external["postgresqlDatabase"],
        "port": external["service"]["port"],
        "scheme": "postgresql+psycopg2",
    }
    # The folder of INSTANCE by its full name: the chart's DAGSTER_HOME is another one.
    home = {row["name"]: row["value"] for row in CODE["env"]}["DAGSTER_HOME"]
    assert INSTANCE["compute_logs"]["config"] == {"base_dir": "storage"}
    configs = {
        **{storage: {"postgres_db": address} for storage in STORAGES},
        "compute_logs": {"base_dir": f"{home}/storage"},
        "run_launcher": {},
    }
    expected = {
        section: {**values, "config": configs[section]} if section in configs else values
        for section, values in INSTANCE.items()
    }
    assert chart_instance() == expected


def test_storages_of_the_values_replace_those_that_the_chart_names_before(tmp_path: Path) -> None:
    stock = ("PostgresRunStorage", "PostgresScheduleStorage", "PostgresEventLogStorage")
    before = "".join(
        f"{storage}:\n  module: dagster_postgres\n  class: {name}\n  config:\n    postgres_url: x\n"
        for storage, name in zip(STORAGES, stock, strict=True)
    )
    added = VALUES["additionalInstanceConfig"]
    (tmp_path / "dagster.yaml").write_text(before + yaml.safe_dump(added), "utf-8")
    ref = InstanceRef.from_dir(str(tmp_path))
    found = (ref.run_storage_data, ref.schedule_storage_data, ref.event_storage_data)
    assert [data.class_name for data in found if data] == [added[s]["class"] for s in STORAGES]


def test_storages_read_the_address_of_the_chart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_PG_PASSWORD", "of-the-secret")
    config = VALUES["additionalInstanceConfig"]["run_storage"]["config"]
    read = process_config(CleanPostgresRunStorage.config_type(), config)
    expected = "postgresql+psycopg2://dagster:of-the-secret@postgres:5432/dagster"
    assert pg_url_from_config(read.value) == expected


def test_the_code_location_has_its_name_and_command() -> None:
    workspace = yaml.safe_load((PROJECT_ROOT / "docker" / "workspace.yaml").read_text("utf-8"))
    name = workspace["load_from"][0]["grpc_server"]["location_name"]
    [server] = VALUES["dagsterWebserver"]["workspace"]["servers"]
    assert server == {"host": CODE["name"], "port": CODE["port"], "name": name}
    start = ["dagster", "code-server", "start", "-h", "0.0.0.0", "-p", str(CODE["port"])]
    assert [*start, *CODE["codeServerArgs"]] == SERVICES["code"]["command"]
    probe = VALUES["dagsterWebserver"]["readinessProbe"]["httpGet"]
    assert probe["port"] == VALUES["dagsterWebserver"]["service"]["port"] == 3000


@pytest.mark.parametrize("name", PODS)
def test_pods_of_the_chart_mount_what_the_manifests_make(name: str) -> None:
    volumes = {volume["name"]: volume for volume in PODS[name]["volumes"]}
    mounts = {mount["name"]: mount["mountPath"] for mount in PODS[name]["volumeMounts"]}
    assert mounts.keys() == volumes.keys()
    assert volumes["data"]["persistentVolumeClaim"]["claimName"] in of_kind("PersistentVolumeClaim")
    assert mounts["data"] == "/data"
    # Dagster writes next to the chart's dagster.yaml; the image prepares a folder on the volume.
    expected = None if name == "code" else VALUES["global"]["dagsterHome"]
    assert mounts.get("home") == expected
    assert [row["name"] for row in CODE["envConfigMaps"]] == list(of_kind("ConfigMap"))


def test_the_chart_replaces_code_location_webserver_and_daemon_only() -> None:
    labels = {
        (m["kind"], m["metadata"]["name"])
        for m in FILES["pipeline"]
        if m["metadata"].get("labels") == {"part": "dagster"}
    }
    assert labels == {
        (kind, name)
        for kind in ("Service", "Deployment")
        for name in ("code", "webserver", "daemon")
        if (kind, name) != ("Service", "daemon")
    }
    assert "--selector 'part!=dagster'" in PAGE


def test_no_secret_is_in_the_values() -> None:
    secret = re.compile("password|secret|token|key", re.IGNORECASE)
    found = {path: value for path, value in leaves(VALUES) if secret.search(path)}
    assert set(found.values()) == {"postgres", "DAGSTER_PG_PASSWORD", False, 0o444}
    assert VALUES["generatePostgresqlPasswordSecret"] is False
    assert VALUES["rbacEnabled"] is False


def test_variables_are_known() -> None:
    rows = [row for pod in RUNNING for row in container(pod).get("env", [])] + CODE["env"]
    names = {row["name"] for row in rows} | set(of_kind("ConfigMap")["settings"]["data"])
    prefix = "FINANCIAL_PIPELINE_"
    named = {name for name in re.findall(rf"{prefix}[A-Z_]+", PAGE) if name != CHART_VARIABLE}
    ours = {name.removeprefix(prefix).lower() for name in names | named if prefix in name}
    assert ours <= {*Settings.model_fields, "dagster_url"}
    entry = (PROJECT_ROOT / "docker" / "entrypoint.sh").read_text("utf-8")
    assert all(f"${row['name']}" in entry or f"{{{row['name']}:-" in entry for row in CODE["env"])


def _merged(known: Any, changed: Any) -> Any:
    """Helm's merge: maps key by key, everything else replaced."""
    if not isinstance(known, dict) or not isinstance(changed, dict):
        return changed
    return known | {key: _merged(known.get(key), value) for key, value in changed.items()}


def _definitions(_: str) -> Resource[Any]:
    """The definitions of Kubernetes, which the chart's schema names by address."""
    path = f"kubernetes-json-schema/v{VERSIONS[0]}.0-local/_definitions.json"
    known = schema_contents(path, VERSIONS[0])["$defs"]
    return Resource.opaque({"$defs": known, "definitions": known})


def test_values_are_valid_by_the_schema_of_the_chart() -> None:
    folder = os.environ.get(CHART_VARIABLE)
    if folder is None:
        pytest.skip(f"{CHART_VARIABLE} names no folder with the unpacked chart")
    schema = json.loads((Path(folder) / "values.schema.json").read_text("utf-8"))
    defaults = yaml.safe_load((Path(folder) / "values.yaml").read_text("utf-8"))
    registry: Registry[Any] = Registry(retrieve=_definitions)  # type: ignore[call-arg]
    jsonschema.Draft7Validator(schema, registry=registry).validate(_merged(defaults, VALUES))
