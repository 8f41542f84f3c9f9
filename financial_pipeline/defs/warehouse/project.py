"""The dbt project in Dagster: its manifest, documentation and the names of its nodes."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtProject

from financial_pipeline.defs.resources import DBT_PROJECT, point_dbt_at_data_root
from financial_pipeline.errors import PipelineError
from financial_pipeline.files import locked
from financial_pipeline.paths import Paths
from financial_pipeline.schemas.raw import RAW_DATASETS
from financial_pipeline.schemas.staging import STAGING_TABLES

PARSE_LOCK = ".parse.lock"
# Characters printed from the end of a long dbt message.
MESSAGE_LENGTH = 2000
SOURCE_SUFFIXES = {".sql", ".yml", ".csv", ".md"}
FAMILY_DOMAINS = {dataset.family: dataset.domain for dataset in RAW_DATASETS.values()} | {
    "market_bars": "market"
}


def _is_current(manifest: Path) -> bool:
    if not manifest.exists():
        return False
    built = manifest.stat().st_mtime
    sources = (path for path in DBT_PROJECT.rglob("*") if path.suffix in SOURCE_SUFFIXES)
    return all(path.stat().st_mtime <= built for path in sources)


def _dbt(*arguments: str, environment: Mapping[str, str] | None = None) -> None:
    """Run dbt outside a Dagster run; raises PipelineError with the end of dbt's output."""
    place = ["--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT)]
    done = subprocess.run(
        [sys.executable, "-m", "dbt.cli.main", "--quiet", *arguments, *place],
        capture_output=True,
        text=True,
        env={**os.environ, **(environment or {})},
        check=False,
    )
    if done.returncode:
        raise PipelineError(
            f"dbt {arguments[0]} failed in {DBT_PROJECT}; correct the reported file:"
            f" {(done.stdout + done.stderr)[-MESSAGE_LENGTH:]}"
        )


def prepare_manifest() -> Path:
    """Return the manifest's path; parse first if a project file is newer. Raises PipelineError."""
    target = point_dbt_at_data_root().dbt_target
    with locked(target / PARSE_LOCK):
        if not _is_current(target / "manifest.json"):
            _dbt("parse")
    return target / "manifest.json"


def lineage_of_sql() -> str:
    """Return the column lineage of dbt's compiled models and of the metrics as JSON.

    Compile against an empty temporary warehouse, so that no run waits.
    """
    # Imported here because only this function needs the SQL parser.
    from financial_pipeline.lineage import from_sql

    with TemporaryDirectory() as folder:
        places = {"WAREHOUSE": f"{folder}/warehouse.duckdb", "DATA_ROOT": folder}
        environment = {f"FINANCIAL_PIPELINE_{name}": place for name, place in places.items()}
        _dbt("compile", environment={**environment, "DBT_TARGET_PATH": folder})
        manifest = json.loads((Path(folder) / "manifest.json").read_text("utf-8"))
    staging = {name: dict.fromkeys(columns, "") for name, columns in STAGING_TABLES.items()}
    return from_sql.as_text(from_sql.sql_lineage(manifest, DBT_PROJECT, staging))


def generate_docs(paths: Paths, page: Path) -> None:
    """Write dbt's documentation as one page of HTML.

    Without a warehouse the page has no column types of its own, only those of the contracts.
    """
    point_dbt_at_data_root()
    with TemporaryDirectory() as folder:
        environment, options = {"DBT_TARGET_PATH": folder}, ["--static"]
        if not paths.warehouse_file.exists():
            environment["FINANCIAL_PIPELINE_WAREHOUSE"] = f"{folder}/warehouse.duckdb"
            options.append("--empty-catalog")
        _dbt("docs", "generate", *options, environment=environment)
        page.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(Path(folder) / "static_index.html", page)


class Translator(DagsterDbtTranslator):
    """Names of dbt nodes in Dagster: key, family, domain and checks."""

    def __init__(self, family: str) -> None:
        super().__init__(DagsterDbtTranslatorSettings(enable_source_tests_as_checks=False))
        self._family = family

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        """Return `staging/x` for a source, `warehouse/x` for a model or seed."""
        if dbt_resource_props["resource_type"] == "source":
            return dg.AssetKey([dbt_resource_props["source_name"], dbt_resource_props["name"]])
        return dg.AssetKey(["warehouse", dbt_resource_props["name"]])

    def get_tags(self, dbt_resource_props: Mapping[str, Any]) -> dict[str, str]:
        """Return the family, and its domain if it has one."""
        domain = FAMILY_DOMAINS.get(self._family)
        return {"family": self._family} | ({"domain": domain} if domain else {})

    def get_asset_check_spec(
        self,
        asset_spec: dg.AssetSpec,
        manifest: Mapping[str, Any],
        unique_id: str,
        project: DbtProject | None,
    ) -> dg.AssetCheckSpec | None:
        """Return the check of a dbt test, with the description of the test."""
        spec = super().get_asset_check_spec(asset_spec, manifest, unique_id, project)
        return spec and spec._replace(description=manifest["nodes"][unique_id]["description"])
