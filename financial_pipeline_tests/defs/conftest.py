"""An instance as the commands make it, with the repository's `dagster.yaml`."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from financial_pipeline_tests.conftest import PROJECT_ROOT


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    home = tmp_path / "dagster_home"
    home.mkdir()
    shutil.copy(PROJECT_ROOT / "dagster.yaml", home)
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    with dg.DagsterInstance.get() as project_instance:
        yield project_instance
