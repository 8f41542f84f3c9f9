"""Run dbt on a data root, as the pipeline does, and read the tables."""

import json
import multiprocessing
import os
import sys
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path

import duckdb

from financial_pipeline_tests.conftest import PROJECT_ROOT

# `test_boundaries.py` names a changed copy of the project here.
PROJECT_VARIABLE = "DBT_PROJECT_UNDER_TEST"
DBT_PROJECT = Path(os.environ.get(PROJECT_VARIABLE, PROJECT_ROOT / "dbt_project"))
Tables = dict[str, list[tuple[object, ...]]]
Window = tuple[str, str]

# dbt takes seconds to import: one server imports it, and every run is forked from there.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["dbt.cli.main"])


def _invoke(arguments: list[str], environment: dict[str, str], output: Path) -> None:
    from dbt.cli.main import dbtRunner

    os.environ.update(environment)
    written = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(written, sys.stdout.fileno())
    sys.exit(0 if dbtRunner().invoke(arguments).success else 1)


@dataclass(frozen=True)
class Warehouse:
    """One data root and the dbt that builds its warehouse."""

    root: Path
    project: Path = DBT_PROJECT

    @property
    def file(self) -> Path:
        """The DuckDB file."""
        return self.root / "warehouse" / "warehouse.duckdb"

    @property
    def target(self) -> Path:
        """dbt's target folder, kept from run to run for its parsed state."""
        return self.root / "warehouse" / "target"

    @property
    def output(self) -> Path:
        """The output of the last dbt run."""
        return self.root / "dbt.out"

    def start(
        self, *arguments: str, window: Window | None = None, world_clock: str = ""
    ) -> BaseProcess:
        """Start dbt in a new process, with the run's settings in its environment."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        place = ["--project-dir", str(self.project), "--profiles-dir", str(self.project)]
        outputs = ["--target-path", str(self.target), "--log-path", str(self.root / "logs")]
        first, last = window or ("", "")
        settings = {
            "DATA_ROOT": str(self.root),
            "WAREHOUSE": str(self.file),
            "FIRST_PARTITION": first,
            "LAST_PARTITION": last,
            "WORLD_CLOCK": world_clock,
        }
        environment = {f"FINANCIAL_PIPELINE_{name}": value for name, value in settings.items()}
        process = PROCESSES.Process(
            target=_invoke, args=([*arguments, *place, *outputs], environment, self.output)
        )
        process.start()
        return process

    def dbt(self, *arguments: str, window: Window | None = None, world_clock: str = "") -> bool:
        """Run dbt to its end; true if it succeeded."""
        process = self.start(*arguments, window=window, world_clock=world_clock)
        process.join()
        return process.exitcode == 0

    def outcomes(self) -> dict[str, str]:
        """Status of every node of the last run by its name (`pass`, `fail`, `success`, ...)."""
        results = json.loads((self.target / "run_results.json").read_text())["results"]
        return {result["unique_id"].split(".")[2]: result["status"] for result in results}

    def tables(self) -> Tables:
        """All rows of every mart, sorted."""
        with duckdb.connect(str(self.file), read_only=True) as connection:
            names = connection.execute(
                "select table_name from information_schema.tables where table_schema = 'marts'"
            ).fetchall()
            return {
                name: connection.execute(f"select * from marts.{name} order by all").fetchall()
                for (name,) in names
            }

    def query(self, sql: str) -> list[tuple[object, ...]]:
        """The rows of a query."""
        with duckdb.connect(str(self.file), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def change(self, *statements: str) -> None:
        """Run statements that damage the warehouse."""
        with duckdb.connect(str(self.file)) as connection:
            for statement in statements:
                connection.execute(statement)
