"""Code versions: what changes a hash and what does not."""

import ast
from pathlib import Path

import pytest

from financial_pipeline.changes import code

BEFORE = '''"""A module."""
from financial_pipeline import settings

def ratio(part: float, whole: float) -> float:
    """Divide."""
    # Never by zero.
    return part / whole
'''
LAYOUT = '''"""Another docstring."""
from financial_pipeline import settings


def ratio(part: float, whole: float) -> float:
    return (part / whole)  # moved
'''
FORMULA = BEFORE.replace("part / whole", "whole / part")


def digest(source: str) -> str:
    return code.digest_of(ast.parse(source))


def test_comments_docstrings_and_layout_change_nothing() -> None:
    assert digest(BEFORE) == digest(LAYOUT)


def test_another_formula_is_another_version() -> None:
    assert digest(BEFORE) != digest(FORMULA)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    package = tmp_path / "financial_pipeline"
    (package / "spark").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "spark" / "__init__.py").write_text("")
    (package / "spark" / "sharpe.py").write_text(
        "from financial_pipeline.spark import returns\n"
        "def sharpe(settings):\n    return settings.default_lag_months\n"
    )
    (package / "spark" / "returns.py").write_text("RATE = 1\n")
    (package / "spark" / "losses.py").write_text("RATE = 2\n")
    return tmp_path


def version_of(tree: Path, module: str) -> str:
    return code.code_version(code.read_modules(tree / "code.json", tree), [module])


def test_a_version_follows_the_imports_and_nothing_else(tree: Path) -> None:
    before = version_of(tree, "financial_pipeline.spark.sharpe")
    (tree / "financial_pipeline/spark/losses.py").write_text("RATE = 3\n")
    assert version_of(tree, "financial_pipeline.spark.sharpe") == before
    (tree / "financial_pipeline/spark/returns.py").write_text("RATE = 9\n")
    assert version_of(tree, "financial_pipeline.spark.sharpe") != before


def test_a_damaged_cache_costs_the_parsing_only(tree: Path) -> None:
    before = version_of(tree, "financial_pipeline.spark.sharpe")
    (tree / "code.json").write_text("{ torn")
    assert version_of(tree, "financial_pipeline.spark.sharpe") == before


def test_only_settings_that_the_code_names_belong_to_it(tree: Path) -> None:
    modules = code.read_modules(tree / "code.json", tree)
    fields = ["default_lag_months", "maturity_cutoff"]
    sharpe = code.settings_read(modules, ["financial_pipeline.spark.sharpe"], fields)
    losses = code.settings_read(modules, ["financial_pipeline.spark.losses"], fields)
    assert (sharpe, losses) == (["default_lag_months"], [])
