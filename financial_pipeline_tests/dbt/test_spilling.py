"""The options of the dbt profile after DuckDB has spilled to disk."""

from pathlib import Path

import yaml
from dbt.adapters.duckdb.credentials import DuckDBCredentials
from dbt.adapters.duckdb.environments.local import LocalEnvironment
from jinja2 import Template

from financial_pipeline_tests.dbt.warehouse import DBT_PROJECT

MEMORY = "60MB"
# About 80 MB of rows, which do not fit into that memory.
SORT = "create table sorted as select md5(i::varchar) as code from range(2_000_000) t(i) order by 1"
OPTIONS = "select current_setting('memory_limit'), current_setting('preserve_insertion_order')"


def open_profile(warehouse: Path) -> LocalEnvironment:
    """Open a warehouse with the project's profile, as dbt does."""
    variables = {
        "FINANCIAL_PIPELINE_WAREHOUSE": str(warehouse),
        "FINANCIAL_PIPELINE_DUCKDB_MEMORY": MEMORY,
    }
    profile = Template((DBT_PROJECT / "profiles.yml").read_text())
    rendered = profile.render(env_var=lambda name, default: variables.get(name, default))
    output = yaml.safe_load(rendered)["financial_pipeline"]["outputs"]["warehouse"]
    return LocalEnvironment(DuckDBCredentials.from_dict(output))


def test_a_cursor_opens_after_duckdb_has_spilled(tmp_path: Path) -> None:
    environment = open_profile(tmp_path / "warehouse.duckdb")
    environment.handle().cursor().execute(SORT)
    assert (tmp_path / "warehouse.duckdb.tmp").exists()
    cursor = environment.handle().cursor()
    assert cursor.execute(OPTIONS).fetchone() == ("57.2 MiB", False)
    environment.close()
