"""The rules of the architecture, read from the source: imports, sizes, names, places."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from financial_pipeline_tests.conftest import PROJECT_ROOT

PACKAGE = "financial_pipeline"

# Arrows point down this list only: a unit imports itself and units of lower tiers.
FEATURES = set(
    "alerts crosscheck dashboard figures lineage local_cluster ml raw simulator sources spark"
    " staging streaming transforms".split()
)
COMMANDS, BASIS = {"cli", "bench", "drills"}, {"publishing", "changes", "event_storage"}
TIERS: list[set[str]] = [COMMANDS, {"definitions"}, {"defs"}, FEATURES, BASIS]
FEATURE_IMPORTS: dict[str, set[str]] = {
    "alerts": {"sources"},
    "changes": {"publishing"},
    "dashboard": {"figures", "ml", "staging"},
    # A drill tries the boundary of the commands.
    "drills": {"cli"},
    "figures": {"lineage", "ml", "staging"},
    "lineage": {"crosscheck", "ml", "sources", "streaming", "transforms"},
    "raw": {"simulator", "sources", "transforms"},
    "simulator": {"sources"},
    "staging": {"raw", "sources", "spark", "transforms"},
    "streaming": {"local_cluster", "raw", "simulator", "sources"},
}
# Every unit may import these, and they import one another.
FOUNDATION = {"errors", "files", "paths", "redaction", "schemas", "settings", "world"}
MODULES_AT_THE_ROOT = 8
DAGSTER_IMPORTERS = {"definitions", "defs", "event_storage"}
DRAWERS = {"utils", "util", "helpers", "helper", "common", "base", "misc"}

# The lines of an asset are its body below 20, its signature and its docstring.
MODULE_LINES, FUNCTION_LINES, TEST_LINES, ASSET_LINES, DBT_MODEL_LINES = 250, 40, 25, 22, 80
ASSET_DECORATORS = {"asset", "multi_asset", "dbt_assets", "graph_asset"}

TOP_LEVEL = set(
    "financial_pipeline financial_pipeline_tests dbt_project flink docker notebooks docs"
    " pyproject.toml requirements.lock requirements-dev.lock workspace.yaml dagster.yaml Makefile"
    " README.md LICENSE CITATION.cff CONTRIBUTING.md CHANGELOG.md SECURITY.md .github .ci"
    " .gitignore .gitattributes .pre-commit-config.yaml .sqlfluff .sqlfluffignore .env.example"
    " .dockerignore .devcontainer .python-version properdocs.yml".split()
)
LOCKS_WITH_ADDRESSES = {"uv.lock", "poetry.lock", "Pipfile.lock", "package-lock.json", "pdm.lock"}
MACHINE_PATH = re.compile(r"(?<![\w./~-])/(?:home|root|work|farm|Users|mnt)/\w|\.\./shared\b")


def tracked_files() -> list[Path]:
    """Return the files of the repository, those of the next commit included."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listing = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, check=True).stdout
    paths = [PROJECT_ROOT / name for name in listing.decode().split("\0") if name]
    return [path for path in paths if path.is_file()]


FILES = tracked_files()
MODULES = {path: ast.parse(path.read_text("utf-8")) for path in FILES if path.suffix == ".py"}


def unit_of(path: Path) -> str:
    """The part of the package that a module belongs to: `defs/raw/assets.py` is in `defs`."""
    return path.relative_to(PROJECT_ROOT / PACKAGE).parts[0].removesuffix(".py")


def package_modules() -> dict[Path, ast.Module]:
    return {
        path: tree for path, tree in MODULES.items() if path.is_relative_to(PROJECT_ROOT / PACKAGE)
    }


def imported_names(tree: ast.Module) -> Iterator[str]:
    """Dotted names of everything a module imports, inside functions too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"relative import in line {node.lineno}: write it in full"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def imported_units(tree: ast.Module) -> set[str]:
    names = [name.split(".") for name in imported_names(tree)]
    return {parts[1] for parts in names if parts[0] == PACKAGE and len(parts) > 1}


def may_import(importer: str, imported: str) -> bool:
    if imported in FOUNDATION | {importer}:
        return True
    if imported in FEATURE_IMPORTS.get(importer, set()):
        return True
    tiers = {unit: rank for rank, units in enumerate(TIERS) for unit in units}
    return importer in tiers and imported in tiers and tiers[importer] < tiers[imported]


def relative(path: Path) -> str:
    return path.relative_to(PROJECT_ROOT).as_posix()


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return (node for node in ast.walk(tree) if isinstance(node, kinds))


def is_asset(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    texts = [ast.unparse(item).split("(")[0] for item in function.decorator_list]
    return any(text.split(".")[-1] in ASSET_DECORATORS for text in texts)


def limit_of(path: Path, function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    if function.name.startswith("test_"):
        return TEST_LINES
    return ASSET_LINES if is_asset(function) else FUNCTION_LINES


def test_every_unit_of_the_package_has_a_place_in_the_import_order() -> None:
    known = set().union(*TIERS) | FOUNDATION | {"event_storage", "__init__"}
    assert {unit_of(path) for path in package_modules()} <= known


def test_the_root_of_the_package_has_few_modules() -> None:
    root = [path.name for path in package_modules() if path.parent == PROJECT_ROOT / PACKAGE]
    assert len(root) <= MODULES_AT_THE_ROOT, sorted(root)


def test_imports_point_one_way_only() -> None:
    wrong = [
        f"{relative(path)} imports {imported}"
        for path, tree in package_modules().items()
        for imported in sorted(imported_units(tree))
        if not may_import(unit_of(path), imported)
    ]
    assert wrong == []


def test_only_definitions_and_event_storage_import_dagster() -> None:
    importers = {
        unit_of(path)
        for path, tree in package_modules().items()
        if any(name.startswith("dagster") for name in imported_names(tree))
    }
    assert importers - DAGSTER_IMPORTERS == set()


def test_one_layer_of_defs_never_imports_another() -> None:
    folder = PROJECT_ROOT / PACKAGE / "defs"
    layers = {path.name for path in folder.iterdir() if path.is_dir()}
    wrong = []
    for path in folder.rglob("*.py"):
        own = path.relative_to(folder).parts[0]
        names = imported_names(MODULES[path]) if path in MODULES else ()
        reached = {name.split(".")[2] for name in names if name.startswith(f"{PACKAGE}.defs.")}
        wrong += [f"{relative(path)} imports {layer}" for layer in reached & layers - {own}]
    assert wrong == []


def test_no_module_is_a_drawer() -> None:
    assert [relative(path) for path in MODULES if path.stem in DRAWERS] == []
    assert [relative(path) for path in MODULES if path.parent.name in DRAWERS] == []


def test_modules_stay_within_their_size() -> None:
    lengths = {path: len(path.read_text("utf-8").splitlines()) for path in MODULES}
    too_long = {relative(path): lines for path, lines in lengths.items() if lines > MODULE_LINES}
    assert too_long == {}


def test_functions_stay_within_their_size() -> None:
    too_long = [
        f"{relative(path)}:{function.lineno} {function.name}: {lines} lines"
        for path, tree in MODULES.items()
        for function in functions(tree)
        if (lines := (function.end_lineno or 0) - function.lineno + 1) > limit_of(path, function)
    ]
    assert too_long == []


def test_dbt_models_stay_within_their_size() -> None:
    models = [path for path in FILES if relative(path).startswith("dbt_project/models/")]
    lengths = {
        relative(path): len(path.read_text("utf-8").splitlines())
        for path in models
        if path.suffix == ".sql"
    }
    assert {name: lines for name, lines in lengths.items() if lines > DBT_MODEL_LINES} == {}


def test_only_files_py_replaces_files() -> None:
    own = PROJECT_ROOT / PACKAGE / "files.py"
    calls = [
        relative(path)
        for path, tree in package_modules().items()
        if path != own and any(ast.unparse(n) == "os.replace" for n in ast.walk(tree))
    ]
    assert calls == []


def test_top_level_holds_only_what_the_house_lists() -> None:
    assert {path.relative_to(PROJECT_ROOT).parts[0] for path in FILES} - TOP_LEVEL == set()


def test_locks_hold_hashes_and_no_addresses() -> None:
    assert [relative(path) for path in FILES if path.name in LOCKS_WITH_ADDRESSES] == []
    for path in FILES:
        if path.suffix == ".lock":
            assert "://" not in path.read_text("utf-8"), relative(path)


def test_no_file_names_a_path_of_one_machine() -> None:
    texts = {path: path.read_bytes().decode("utf-8", errors="replace") for path in FILES}
    found = {relative(path): MACHINE_PATH.findall(text) for path, text in texts.items()}
    assert {name: matches for name, matches in found.items() if matches} == {}


@pytest.mark.parametrize(
    ("importer", "imported", "allowed"),
    [
        ("defs", "staging", True),
        ("staging", "sources", True),
        ("sources", "schemas", True),
        ("sources", "transforms", False),
        ("publishing", "defs", False),
        ("spark", "ml", False),
        ("schemas", "publishing", False),
        ("staging", "figures", False),
        ("new", "ml", False),
    ],
)
def test_import_rule_itself_allows_and_refuses(importer: str, imported: str, allowed: bool) -> None:
    assert may_import(importer, imported) is allowed


# Polars' workers would wait for the interpreter, which a thread in `to_pandas` never lets go.
PYTHON_IN_POLARS = re.compile(r"\.map_(?:elements|batches|groups|rows)\b")
# A macro feature of the model has to come from `as_of`, which knows what was known on a day.
MACRO_TABLES = re.compile(r"fct_macro_observations|agg_macro_indicators")


@pytest.mark.parametrize(("text", "unit"), [(PYTHON_IN_POLARS, ""), (MACRO_TABLES, "ml")])
def test_no_module_contains(text: re.Pattern[str], unit: str) -> None:
    paths = [path for path in package_modules() if unit in ("", unit_of(path))]
    assert [relative(path) for path in paths if text.search(path.read_text("utf-8"))] == []
