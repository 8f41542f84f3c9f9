"""The notebooks as they are stored: no outputs, and a place in the documentation.

`integration/test_simulated_demo.py` executes them.
"""

import json
from typing import Any

import pytest

from financial_pipeline_tests.conftest import PROJECT_ROOT

NOTEBOOKS = sorted((PROJECT_ROOT / "notebooks").glob("*.ipynb"))
PAGE = PROJECT_ROOT / "docs" / "notebooks.md"


def results_in(notebook: dict[str, Any]) -> list[str]:
    """Ids of the cells that contain a result of an execution."""
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    return [c["id"] for c in code if c["outputs"] or c["execution_count"] or c["metadata"]]


def test_there_are_two_notebooks() -> None:
    assert [path.stem for path in NOTEBOOKS] == ["exploration", "modelling"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_are_stored_without_outputs(path: Any) -> None:
    notebook = json.loads(path.read_text("utf-8"))
    assert results_in(notebook) == []
    # An editor adds its version of Python and more.
    assert set(notebook["metadata"]) == {"kernelspec", "language_info"}
    assert notebook["metadata"]["language_info"] == {"name": "python"}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_read_published_tables_only(path: Any) -> None:
    text = path.read_text("utf-8")
    for way in ("read_parquet", "scan_parquet", "read_csv", "duckdb.connect", "warehouse"):
        assert way not in text


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_documentation_names_each_notebook(path: Any) -> None:
    assert f"notebooks/{path.name}" in PAGE.read_text("utf-8")


@pytest.mark.parametrize(
    ("cell", "count"),
    [
        ({"outputs": [], "execution_count": None, "metadata": {}}, 0),
        ({"outputs": [{}], "execution_count": None, "metadata": {}}, 1),
        ({"outputs": [], "execution_count": 3, "metadata": {}}, 1),
        ({"outputs": [], "execution_count": None, "metadata": {"collapsed": True}}, 1),
    ],
)
def test_results_in_finds_results(cell: dict[str, Any], count: int) -> None:
    assert len(results_in({"cells": [cell | {"cell_type": "code", "id": "one"}]})) == count
