"""The resources that assets ask for: the data root, dbt, DuckDB and (later) Spark."""

import os
import sys
from pathlib import Path

import dagster as dg
from dagster_dbt import DbtCliResource
from dagster_duckdb import DuckDBResource

from financial_pipeline.paths import Paths
from financial_pipeline.settings import PROJECT_ROOT, Settings

WAREHOUSE_POOL = "warehouse"
OWNERS = ["team:data-engineering"]


class Pipeline(dg.ConfigurableResource):
    """The settings of this process and the folders they point at."""

    @property
    def settings(self) -> Settings:
        """The typed settings, read from the environment."""
        return Settings()

    @property
    def paths(self) -> Paths:
        """The folders of the configured data root."""
        return Paths(self.settings.data_root.resolve())


@dg.definitions
def resources() -> dg.Definitions:
    """The resources by the names that assets ask for."""
    paths = Paths(Settings().data_root.resolve())
    # dbt reads both through env_var() in its profile and sources.
    os.environ["FINANCIAL_PIPELINE_DATA_ROOT"] = str(paths.data_root)
    os.environ["FINANCIAL_PIPELINE_WAREHOUSE"] = str(paths.warehouse_file)
    project = str(PROJECT_ROOT / "dbt_project")
    return dg.Definitions(
        resources={
            "pipeline": Pipeline(),
            "warehouse": DuckDBResource(database=str(paths.warehouse_file)),
            # The dbt of this environment, also where the environment is not activated.
            "dbt": DbtCliResource(
                project_dir=project,
                profiles_dir=project,
                dbt_executable=str(Path(sys.executable).with_name("dbt")),
            ),
        }
    )
