"""Code versions: hashes of syntax trees, so that comments and docstrings change nothing."""

import ast
import hashlib
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter

from financial_pipeline.files import cached_record, replace_json, sha256
from financial_pipeline.settings import PACKAGE_ROOT

PACKAGE: Final = "financial_pipeline"
# The libraries that compute: another version of one may give different rows.
ENGINES: Final = (
    "dbt-core",
    "dbt-duckdb",
    "duckdb",
    "exchange-calendars",
    "polars",
    "pyarrow",
    "pyspark",
    "scikit-learn",
)
# The values of settings are part of a fingerprint, each where it is read.
SETTINGS: Final = f"{PACKAGE}.settings"


@dataclass(frozen=True)
class Module:
    """One module: the hash of its code, the modules that it imports, and attributes it reads."""

    stamp: str
    digest: str
    imports: tuple[str, ...]
    attributes: tuple[str, ...]


MODULES: Final = TypeAdapter(dict[str, Module])


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:]
    return tree


def _imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (node.module, *(f"{node.module}.{alias.name}" for alias in node.names))


def digest_of(tree: ast.Module) -> str:
    """Return the hash of a syntax tree without its docstrings, which are removed from it."""
    return hash_texts([ast.dump(_without_docstrings(tree))])


def _read(path: Path, stamp: str) -> Module:
    tree = ast.parse(path.read_text("utf-8"))
    imports = {name for name in _imports(tree) if name.split(".")[0] == PACKAGE}
    attributes = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    return Module(stamp, digest_of(tree), tuple(sorted(imports)), tuple(sorted(attributes)))


def _name(root: Path, path: Path) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def read_modules(cache: Path, root: Path = PACKAGE_ROOT.parent) -> dict[str, Module]:
    """Return the modules of the package by name; a file that has not changed is not parsed again.

    `cache` is a JSON file for the results; one that cannot be read costs the parsing.
    """
    known = cached_record(cache, MODULES) or {}
    modules = {}
    for path in sorted((root / PACKAGE).rglob("*.py")):
        status, name = path.stat(), _name(root, path)
        stamp = f"{sys.version} {path} {status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}"
        before = known.get(name)
        modules[name] = before if before and before.stamp == stamp else _read(path, stamp)
    if modules != known:
        replace_json(cache, {name: asdict(module) for name, module in modules.items()})
    return modules


def closure(modules: Mapping[str, Module], roots: Iterable[str]) -> list[str]:
    """Return the names of `roots` and of all modules that they import, directly or not, sorted."""
    found: set[str] = set()
    waiting = [name for name in roots if name in modules]
    while waiting:
        name = waiting.pop()
        if name in found or name == SETTINGS:
            continue
        found.add(name)
        waiting += [each for each in modules[name].imports if each in modules]
    return sorted(found)


def code_version(modules: Mapping[str, Module], roots: Iterable[str]) -> str:
    """Return the hash of the code that `roots` can run, and of the versions of the engines."""
    parts = [f"{name} {modules[name].digest}" for name in closure(modules, roots)]
    return hash_texts([*parts, *engine_versions()])


@cache
def engine_versions() -> tuple[str, ...]:
    """Return the name and version of every engine, and of Python."""
    return (*(f"{name} {version(name)}" for name in ENGINES), sys.version)


def settings_read(
    modules: Mapping[str, Module], roots: Iterable[str], fields: Collection[str]
) -> list[str]:
    """Return which settings (`fields`) the code of `roots` can read, sorted."""
    names = {name for each in closure(modules, roots) for name in modules[each].attributes}
    return sorted(names & set(fields))


def hash_texts(parts: Iterable[str]) -> str:
    """Return one SHA-256 of several texts."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def files_digest(paths: Iterable[Path]) -> str:
    """Return one hash of the names and contents of files."""
    ordered = sorted(paths)
    return hash_texts(f"{path.name} {sha256(path)}" for path in ordered)
