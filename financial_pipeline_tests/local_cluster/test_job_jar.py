"""The jar for a Flink cluster that somebody else started."""

import zipfile
from pathlib import Path

from financial_pipeline.local_cluster.jars import Jars
from financial_pipeline.local_cluster.java_classes import job_jar

SERVICE = "META-INF/services/org.apache.flink.table.factories.Factory"


def _jar(path: Path, entries: dict[str, str]) -> Path:
    with zipfile.ZipFile(path, "w") as jar:
        for name, content in entries.items():
            jar.writestr(name, content)
    return path


def test_the_jar_joins_services_and_leaves_out_manifests_signatures_and_the_guard(
    tmp_path: Path,
) -> None:
    driver = {"META-INF/MANIFEST.MF": "1", "A.class": "driver", SERVICE: "a.First\n", "folder/": ""}
    connector = {"META-INF/X.SF": "s", "A.class": "other", SERVICE: "b.Second", "B.class": "b"}
    classes = tmp_path / "classes-1"
    classes.mkdir()
    for name in ("Judge.class", "Judge$Fields.class", "Guard.class"):
        (classes / name).write_text(name)
    jars = Jars((), _jar(tmp_path / "c.jar", connector), _jar(tmp_path / "d.jar", driver))
    made = job_jar(jars, classes, tmp_path)
    with zipfile.ZipFile(made) as jar:
        found = {name: jar.read(name).decode() for name in jar.namelist()}
    assert found.pop(SERVICE).split() == ["a.First", "b.Second"]
    assert found == {
        "A.class": "driver",
        "B.class": "b",
        "Judge.class": "Judge.class",
        "Judge$Fields.class": "Judge$Fields.class",
    }
    assert job_jar(jars, classes, tmp_path) == made
    (tmp_path / "classes-2").mkdir()
    assert job_jar(jars, tmp_path / "classes-2", tmp_path) != made
