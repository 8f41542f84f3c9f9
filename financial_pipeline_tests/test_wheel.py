"""The wheel works as an installed tool, outside a checkout."""

import json
import os
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from financial_pipeline_tests.conftest import PROJECT_ROOT
from financial_pipeline_tests.test_house import FILES, relative

pytestmark = pytest.mark.slow

UV = str(Path(sys.executable).with_name("uv"))
# Files from outside the package that it reads at run time.
READ = ("dbt_project/", "flink/", "dagster.yaml", "docs/dagster.postgres.yaml", "workspace.yaml")


@dataclass(frozen=True)
class Installed:
    """The wheel, the environment that `uv tool install` made for it, and an empty folder."""

    wheel: Path
    environment: Path
    folder: Path

    def run(self, *arguments: str) -> str:
        """Run the command in the folder; return its output."""
        command = [str(self.environment / "bin" / "financial-pipeline"), *arguments]
        hidden = ("FINANCIAL_PIPELINE_", "PYTHON", "DAGSTER_", "DBT_")
        variables = {k: v for k, v in os.environ.items() if not k.startswith(hidden)}
        done = subprocess.run(
            command, cwd=self.folder, env=variables, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def files(self) -> dict[Path, bytes]:
        """Return the files of the installed package, without compiled modules."""
        (package,) = self.environment.glob("lib/python*/site-packages/financial_pipeline")
        found = (path for path in package.rglob("*") if path.is_file() and path.suffix != ".pyc")
        return {path: path.read_bytes() for path in found}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    place = tmp_path_factory.mktemp("wheel")
    folder = place / "empty"
    folder.mkdir()
    variables = os.environ | {"UV_TOOL_DIR": f"{place}/tools", "UV_TOOL_BIN_DIR": f"{place}/bin"}

    def uv(*arguments: object) -> None:
        command = [UV, *map(str, arguments), "--quiet"]
        subprocess.run(command, cwd=PROJECT_ROOT, env=variables, check=True)

    uv("build", "--wheel", "--out-dir", place)
    (wheel,) = place.glob("*.whl")
    locked = ("--constraints", "requirements.lock")
    uv("tool", "install", "--python", sys.executable, *locked, wheel)
    return Installed(wheel, place / "tools" / "financial-pipeline", folder)


def test_the_wheel_has_every_file_that_the_package_reads(installed: Installed) -> None:
    with zipfile.ZipFile(installed.wheel) as archive:
        names = set(archive.namelist())
    tracked = [relative(path) for path in FILES]
    needed = {f"financial_pipeline/project/{name}" for name in tracked if name.startswith(READ)}
    needed |= {name for name in tracked if name.startswith("financial_pipeline/")}
    assert len(needed) > 500
    assert needed - names == set()
    assert {name for name in names if name.startswith("financial_pipeline_tests")} == set()


@pytest.mark.nightly
@pytest.mark.timeout(1800)
def test_the_demo_runs_in_an_empty_folder(installed: Installed) -> None:
    before = installed.files()
    assert installed.run("--version") == "financial-pipeline 0.1.0\n"
    assert installed.run("plan").startswith("Everything:")
    installed.run("demo", "--loans", "300")
    assert "Nothing would be built." in installed.run("plan", "--loans", "300")
    found = json.loads(installed.run("figures", "--json"))
    assert {table["layer"] for table in found["tables"]} >= {"exports", "metrics", "ml", "stream"}
    # Kafka and Flink ran, with the job and the function of the wheel.
    assert found["stream"]["engine"] == "flink"
    loans = {row["loans"] for row in found["default_rates"] if row["grade"] == "all"}
    assert max(loans) > 200
    lineage = installed.run("lineage", "warehouse.fct_loans.default_d1")
    assert "loan_status" in lineage
    # All that a run writes is in the folder where it started.
    assert [path.name for path in installed.folder.iterdir()] == ["data"]
    assert installed.files() == before
