"""The resources of the assets: the data root, dbt, DuckDB and Spark."""

import os
import sys
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DbtCliResource
from dagster_dbt.core import resource as dagster_dbt_resource
from dagster_duckdb import DuckDBResource
from dagster_pyspark import PySparkResource
from pydantic import Field, PrivateAttr

from financial_pipeline.changes import state
from financial_pipeline.paths import Paths
from financial_pipeline.publishing import object_storage
from financial_pipeline.publishing.publication import Publication
from financial_pipeline.settings import PROJECT_ROOT, Settings
from financial_pipeline.spark.session import start_session

WAREHOUSE_POOL = "warehouse"
DBT_PROJECT = PROJECT_ROOT / "dbt_project"


# The runs of one command carry this tag: together they are one publication.
PUBLICATION_TAG = "financial_pipeline/publication"
ROOT_RUN_TAG = "dagster/root_run_id"


def publication_of(run: dg.DagsterRun) -> str:
    """Return the name of a run's publication; a retry continues that of the run it repeats."""
    return run.tags.get(PUBLICATION_TAG) or run.tags.get(ROOT_RUN_TAG) or run.run_id


def runs_of(instance: dg.DagsterInstance, publication: str) -> list[dg.DagsterRun]:
    """Return all runs of a publication."""
    filters = (
        dg.RunsFilter(tags={PUBLICATION_TAG: publication}),
        dg.RunsFilter(tags={ROOT_RUN_TAG: publication}),
        dg.RunsFilter(run_ids=[publication]),
    )
    return [run for each in filters for run in instance.get_runs(each)]


def _assets_of(run: dg.DagsterRun, instance: dg.DagsterInstance | None) -> set[str] | None:
    """Return the assets (`layer/name`) in the plan of a run, or None if it has no stored plan.

    A job that is launched as a whole has no asset selection.
    """
    if instance is None or run.execution_plan_snapshot_id is None:
        return None
    plan = instance.get_execution_plan_snapshot(run.execution_plan_snapshot_id)
    outputs = (output.properties for step in plan.steps for output in step.outputs)
    return {"/".join(each.asset_key.path) for each in outputs if each and each.asset_key}


class Pipeline(dg.ConfigurableResource):
    """The settings of a run, the folders of its data root, and its publication."""

    data_root: str | None = Field(
        default=None,
        description="Folder with everything a run writes; default: FINANCIAL_PIPELINE_DATA_ROOT.",
    )
    _run: str = PrivateAttr("direct")

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        """Take the publication from the run; the assets of a run of the UI are forgotten first."""
        if not context.run:
            return
        self._run = publication_of(context.run)
        if PUBLICATION_TAG not in context.run.tags:
            state.forget(self.paths, _assets_of(context.run, context.instance))

    @property
    def publication(self) -> Publication:
        """The registrations of the run, or of all runs of its command."""
        return Publication(self.paths, self._run)

    @property
    def settings(self) -> Settings:
        """The typed settings: the environment's, with the configured data root."""
        return Settings(data_root=Path(self.data_root)) if self.data_root else Settings()

    @property
    def paths(self) -> Paths:
        """The folders of the configured data root."""
        return Paths(self.settings.data_root.resolve())


class Spark(PySparkResource):
    """The Spark session of the run: one per process, on the master that SPARK_MASTER names.

    Raises PipelineError, before any work, if Java or the master is missing.
    """

    spark_config: dict[str, Any] = {}  # noqa: RUF012

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        """Check the prerequisites of Spark, and start or join the session."""
        self._spark_session = start_session()  # type: ignore[assignment]


class Dbt(DbtCliResource):
    """dbt's command line, whose version is that of the installed package."""

    @cached_property
    def _cli_version(self) -> Any:
        # Stock dagster-dbt starts `dbt --version` for each call: 3.5 s of processor time.
        return dagster_dbt_resource.DBT_PYTHON_VERSION  # type: ignore[attr-defined]

    def _initialize_dbt_core_adapter(self, args: Sequence[str]) -> Any:
        """Make no second dbt in this process: rows are counted without its adapter."""


def point_dbt_at_data_root() -> Paths:
    """Set the data root, warehouse, target folder and memory in the environment, which dbt reads.

    dbt parses the whole project again if one of them changes, so every dbt process of a data root
    gets the same values.
    """
    settings = Settings()
    paths = Paths(settings.data_root.resolve())
    if settings.object_storage:
        os.environ["FINANCIAL_PIPELINE_OBJECT_STORAGE"] = settings.object_storage
        object_storage.connect(paths, settings.object_storage)
    os.environ["FINANCIAL_PIPELINE_DATA_ROOT"] = str(paths.data_root)
    os.environ["FINANCIAL_PIPELINE_DUCKDB_MEMORY"] = settings.duckdb_memory
    os.environ["FINANCIAL_PIPELINE_WAREHOUSE"] = str(paths.warehouse_file)
    os.environ["DBT_TARGET_PATH"] = str(paths.dbt_target)
    # By default dbt writes its log next to its project.
    os.environ["DBT_LOG_PATH"] = str(paths.dbt_target / "logs")
    forget_other_checkout(paths.dbt_target, DBT_PROJECT)
    return paths


def forget_other_checkout(target: Path, project: Path) -> None:
    """Remove the parse results of another checkout: they contain the paths of its seed files."""
    mark = target / "parsed_from.txt"
    if mark.exists() and mark.read_text("utf-8") == str(project):
        return
    (target / "partial_parse.msgpack").unlink(missing_ok=True)
    target.mkdir(parents=True, exist_ok=True)
    mark.write_text(str(project), "utf-8")


@dg.definitions
def resources() -> dg.Definitions:
    """Define the resources by the names of the assets' parameters."""
    paths = point_dbt_at_data_root()
    project = str(DBT_PROJECT)
    return dg.Definitions(
        resources={
            "pipeline": Pipeline(),
            "spark": Spark(),
            "warehouse": DuckDBResource(
                database=str(paths.warehouse_file),
                connection_config={"memory_limit": Settings().duckdb_memory},
            ),
            "dbt": Dbt(
                project_dir=project,
                profiles_dir=project,
                # The dbt of this environment, activated or not.
                dbt_executable=str(Path(sys.executable).with_name("dbt")),
            ),
        }
    )
