"""The functions of the Flink job: compiled once, with either compiler, or one sentence."""

from pathlib import Path

import pytest

from financial_pipeline.local_cluster import java_classes
from financial_pipeline.local_cluster.jars import COMPILER, JarSource, JarUnavailable, obtain_one
from financial_pipeline.local_cluster.java import RuntimeUnavailable, find_flink, find_java
from financial_pipeline.local_cluster.java_classes import JARS_LOCK, compile_classes
from financial_pipeline.local_cluster.runtime import RuntimePlan

CLASSES = {"Judge.class", "Judge$Fields.class", "Judge$Reading.class"}
GUARD = {"Guard.class", "META-INF"}
WITHOUT_COMPILER = """#!/bin/sh
case "$1" in -m) echo "{answer}"; exit 1;; esac
exec {java} "$@"
"""


@pytest.fixture
def flink() -> Path:
    return find_flink()


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_functions_are_compiled_once(flink: Path, tmp_path: Path) -> None:
    made = compile_classes(find_java(), flink, JarSource(tmp_path))
    assert names(made) >= {"Judge.class"}
    assert compile_classes("no java at all", flink, JarSource(tmp_path)) == made
    # A Java without a fit compiler leaves the locked one there too.
    assert {name for name in names(tmp_path) if "classes-" in name} == {made.name}


@pytest.mark.parametrize(
    "answer", ["Module jdk.compiler not found", "error: release version 17 not supported"]
)
def test_a_java_without_a_fit_compiler_uses_the_locked_one(
    flink: Path, tmp_path: Path, runtime_plan: RuntimePlan, answer: str
) -> None:
    try:
        jar = obtain_one(JARS_LOCK, COMPILER, JarSource(runtime_plan.jars.cache))
    except JarUnavailable as error:
        pytest.skip(str(error))
    java = tmp_path / "java"
    java.write_text(WITHOUT_COMPILER.format(java=find_java(), answer=answer))
    java.chmod(0o755)
    made = compile_classes(str(java), flink, JarSource(tmp_path / "cache", folder=jar.parent))
    assert names(made) == CLASSES | GUARD


def test_a_source_that_does_not_compile_is_one_sentence(
    flink: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "Judge.java").write_text("class Judge { nothing }")
    monkeypatch.setattr(java_classes, "SOURCES", tmp_path)
    with pytest.raises(RuntimeUnavailable, match=r"do not compile: .*Judge\.java"):
        compile_classes(find_java(), flink, JarSource(tmp_path / "cache"))
    assert not list((tmp_path / "cache").glob("*classes-*"))
