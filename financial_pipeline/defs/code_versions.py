"""The code version of each asset: a hash of the modules and SQL that make its content."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any, Final

from financial_pipeline.changes import code
from financial_pipeline.crosscheck.recompute import STEPS
from financial_pipeline.defs.resources import DBT_PROJECT, point_dbt_at_data_root
from financial_pipeline.schemas.raw import RAW_DATASETS
from financial_pipeline.settings import Settings
from financial_pipeline.spark.catalogue import METRICS

PACKAGE: Final = code.PACKAGE
CROSSCHECK: Final = Path(__file__).parents[1] / "crosscheck"
WRITER: Final = (f"{PACKAGE}.publishing.writer", f"{PACKAGE}.publishing.table_checks")
# Layer or asset -> the modules whose code, with all that they import, makes its content.
ROOTS: Final[dict[str, tuple[str, ...]]] = {
    "raw": (f"{PACKAGE}.raw.ingest",),
    "exports": (*WRITER, f"{PACKAGE}.schemas.marts"),
    "staging/lending_club_loan_snapshots": (f"{PACKAGE}.staging.loans",),
    **{
        f"staging/{name}": (f"{PACKAGE}.staging.{dataset.staging}",)
        for name, dataset in RAW_DATASETS.items()
    },
    "ml/training_set": (f"{PACKAGE}.defs.ml.training",),
    "ml/default_model": (f"{PACKAGE}.defs.ml.training",),
    "ml/evaluation": (f"{PACKAGE}.defs.ml.evaluation",),
    "ml/scores": (f"{PACKAGE}.defs.ml.applying",),
    "ml/drift": (f"{PACKAGE}.defs.ml.applying",),
    "ml/threshold_table": (f"{PACKAGE}.defs.ml.applying",),
    "ml/spark_agreement": (f"{PACKAGE}.defs.ml.spark_agreement",),
    "ml/model_card": (f"{PACKAGE}.defs.ml.card",),
}
METRIC_ROOTS: Final = (
    f"{PACKAGE}.crosscheck.recompute",
    f"{PACKAGE}.crosscheck.agreement",
    f"{PACKAGE}.defs.metrics.metric_export",
)
# Layers whose assets carry a code version in Dagster, which marks those of other code as stale.
VERSIONED: Final = ("raw", "staging", "warehouse", "exports", "metrics", "ml")
# Settings that change where or how data is written and not its content; files and tables are
# compared by content.
PLACES: Final = {
    "data_root",
    "object_storage",
    "s3_endpoint",
    "s3_region",
    "landing",
    "automation",
    "duckdb_memory",
    "history_days",
    "postgres_url",
}
LINE_COMMENT: Final = re.compile(r"^\s*--[^\n]*$", re.MULTILINE)
JINJA_COMMENT: Final = re.compile(r"\{#.*?#\}", re.DOTALL)


def modules() -> dict[str, code.Module]:
    """Return the modules of the package, from the cache of the data root."""
    return code.read_modules(Settings().data_root.resolve() / "code.json")


def without_comments(sql: str) -> str:
    """Return SQL without Jinja comments, whole-line comments and empty lines."""
    text = LINE_COMMENT.sub("", JINJA_COMMENT.sub("", sql))
    return "\n".join(line.rstrip() for line in text.splitlines() if line.strip())


def roots_of(key: str) -> tuple[str, ...]:
    """Return the root modules of an asset; none for one that is not listed."""
    layer, _, name = key.partition("/")
    if layer == "metrics" and name in METRICS:
        return (METRICS[name].function.__module__, *METRIC_ROOTS)
    return ROOTS.get(key) or ROOTS.get(layer, ())


class Versions:
    """The code versions and settings of all assets, at one moment."""

    def __init__(self, settings: Settings) -> None:
        self._modules = modules()
        self._settings = settings.model_dump(mode="json")
        self._fields = {
            name
            for name, info in type(settings).model_fields.items()
            if name not in PLACES and "Secret" not in str(info.annotation)
        }
        self._nodes = _dbt_nodes()
        self._known: dict[tuple[str, ...], str] = {}

    def code(self, key: str) -> str:
        """Return the hash of the code that computes an asset (`layer/name`)."""
        layer, _, name = key.partition("/")
        if layer == "warehouse":
            return code.hash_texts([self._nodes.get(name, ""), *code.engine_versions()])
        python = self._python(self._roots(key))
        return code.hash_texts([python, code.files_digest(_sql_files(key))])

    def _roots(self, key: str) -> tuple[str, ...]:
        # All of the package for an asset that is not listed.
        return roots_of(key) or tuple(self._modules)

    def _python(self, roots: tuple[str, ...]) -> str:
        if roots not in self._known:
            self._known[roots] = code.code_version(self._modules, roots)
        return self._known[roots]

    def settings(self, key: str) -> str:
        """Return the hash of the settings that an asset reads, and of their values."""
        layer, _, name = key.partition("/")
        if layer == "warehouse":
            text = self._nodes.get(name, "")
            names = [field for field in sorted(self._fields) if field in text]
        else:
            names = code.settings_read(self._modules, self._roots(key), self._fields)
        return code.hash_texts(f"{name}={self._settings[name]}" for name in names)


def _sql_files(key: str) -> list[Path]:
    layer, _, name = key.partition("/")
    if layer != "metrics":
        return []
    names = ("shared_views", *STEPS.get(name, ()), name)
    return [path for path in (CROSSCHECK / f"{each}.sql" for each in names) if path.exists()]


@cache
def _manifest() -> Any:
    return json.loads((point_dbt_at_data_root().dbt_target / "manifest.json").read_text("utf-8"))


def _dbt_nodes() -> dict[str, str]:
    """Return the text of each dbt model and seed: SQL, configuration, tests and all macros."""
    nodes = _manifest()["nodes"].values()
    macros = sorted(path.read_text("utf-8") for path in (DBT_PROJECT / "macros").rglob("*.sql"))
    shared = "\n".join(map(without_comments, macros))
    texts = {}
    for node in nodes:
        if node["resource_type"] == "test":
            continue
        config = {name: node["config"].get(name) for name in ("materialized", "unique_key")}
        columns = sorted((name, c.get("data_type")) for name, c in node["columns"].items())
        tests = sorted(
            _test(test) for test in nodes if test.get("attached_node") == node["unique_id"]
        )
        body = without_comments(node["raw_code"]) or node["checksum"]["checksum"]
        texts[node["name"]] = "\n".join([body, str(config), str(columns), *tests, shared])
    return texts


def _test(test: Any) -> str:
    kept = [test["name"], without_comments(test["raw_code"]), test.get("test_metadata")]
    return json.dumps([*kept, test["config"].get("severity"), test["config"].get("where")])
