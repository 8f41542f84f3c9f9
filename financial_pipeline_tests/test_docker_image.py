"""Contents of our image, by the script that lists them: nothing is missing, nothing is too much."""

import hashlib
import io
import json
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest

from financial_pipeline_tests.conftest import PROJECT_ROOT
from financial_pipeline_tests.test_house import FILES, relative

SCRIPT = PROJECT_ROOT / "docker" / "list_image.py"
FOLDERS = ("dbt_project", "flink", "financial_pipeline")
TOP = ("pyproject.toml", "dagster.yaml", "workspace.yaml", "docs/dagster.postgres.yaml")
DOCKER = ("docker/entrypoint.sh", "docker/workspace.yaml")
POM = "META-INF/maven/org.example/tool/pom.properties"
STATUS = """Package: procps
Status: install ok installed
Description: tools
 Version: of nothing
Version: 2:4.0

Package: gcc-12-base
Version: 12.2

Package: gcc-12
Version: 12.2
"""
# Path in an image -> its fault, or none.
ARCHIVED = {
    "opt/project/financial_pipeline/world.py": None,
    "opt/project/dbt_project/tests/generic/recency.sql": None,
    "opt/venv/lib/python3.11/site-packages/click-8.3.0.dist-info/METADATA": None,
    "opt/venv/lib/python3.11/site-packages/certifi/cacert.pem": None,
    "opt/venv/lib/python3.11/site-packages/click/__pycache__/core.pyc": None,
    "etc/ssl/certs/ca.pem": None,
    "usr/bin/python3": None,
    "usr/bin/x86_64-linux-gnu-gcc-12": "a compiler",
    "opt/project/financial_pipeline_tests/conftest.py": "a test",
    "opt/project/docker/secrets/postgres_password": "a secret",
    "opt/project/.git/HEAD": "history",
    "home/pipeline/.cache/pip/wheel": "a cache",
    "opt/project/financial_pipeline/__pycache__/world.pyc": "a cache",
    "var/lib/apt/lists/deb.debian.org": "a cache",
}


def run(*arguments: object, given: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, SCRIPT, *map(str, arguments)]
    return subprocess.run(command, input=given, capture_output=True, check=False)


@pytest.fixture(scope="module")
def listed() -> dict[str, Any]:
    done = run("--json")
    assert (done.returncode, done.stderr) == (0, b"")
    return dict(json.loads(done.stdout))


def test_the_image_has_the_files_of_the_wheel_and_nothing_that_git_ignores(
    listed: dict[str, Any],
) -> None:
    names = [relative(path) for path in FILES]
    wanted = {name for name in names if name.split("/")[0] in FOLDERS} | {*TOP, *DOCKER}
    assert len(wanted) > 500
    assert set(listed["files"]) == {f"/opt/project/{name}" for name in wanted}
    project = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text("utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert {*wheel["only-include"], *wheel["force-include"]} == {*FOLDERS, *TOP}


def test_the_image_has_the_locked_packages_of_its_python(listed: dict[str, Any]) -> None:
    assert listed["source"] == "docker/Dockerfile on python:3.11-slim-bookworm"
    assert listed["debian"] == {"openjdk-17-jre-headless": "", "procps": ""}
    found = listed["python"]
    assert (found["dagster"], found["apache-flink-libraries"]) == ("1.13.27", "2.3.0")
    text = (PROJECT_ROOT / "requirements.lock").read_text("utf-8")
    assert "\npywin32==" in text
    assert {"pywin32", "pytest", "mypy"} & found.keys() == set()


def test_jars_have_coordinates_and_the_hash_of_their_content(listed: dict[str, Any]) -> None:
    jars = {jar["coordinates"]: jar for jar in listed["jars"]}
    version = distribution("pyspark").version
    spark = jars[f"org.apache.spark:spark-core_2.13:{version}"]
    packages = "/opt/venv/lib/python3.11/site-packages/"
    path = distribution("pyspark").locate_file(spark["path"].removeprefix(packages))
    assert spark["sha256"] == hashlib.sha256(Path(str(path)).read_bytes()).hexdigest()
    paths = {jar["path"] for jar in listed["jars"]}
    assert f"{packages}pyflink/lib/flink-dist-2.3.0.jar" in paths
    assert "/opt/venv/share/py4j/py4j0.10.9.9.jar" in paths


@pytest.fixture
def context(tmp_path: Path) -> Path:
    """A build context of one file per copied name, and a lock of one package."""
    for name in (*TOP, *DOCKER, *(f"{folder}/known.txt" for folder in FOLDERS)):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    for name in ("docker/Dockerfile", ".dockerignore"):
        shutil.copy(PROJECT_ROOT / name, tmp_path / name)
    (tmp_path / "requirements.lock").write_text("click==8.3.0 \\\n    --hash=sha256:00\n", "utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        (".git/HEAD", None),
        (".env", None),
        ("docker/secrets/postgres_password", None),
        ("financial_pipeline_tests/test_docker.py", None),
        ("data/manifest.json", None),
        ("dbt_project/target/manifest.json", None),
        ("dbt_project/.user.yml", None),
        ("flink/.env", None),
        ("financial_pipeline/.mypy_cache/a.json", None),
        ("financial_pipeline/cli/__pycache__/main.cpython-311.pyc", None),
        ("financial_pipeline/server.key", "a secret"),
        ("financial_pipeline/cli/test_main.py", "a test"),
    ],
)
def test_stray_files_are_left_out_or_named(context: Path, name: str, fault: str | None) -> None:
    (context / name).parent.mkdir(parents=True, exist_ok=True)
    (context / name).touch()
    done = run("--context", context)
    assert (name in done.stdout.decode()) is (fault is not None)
    wrong = f"The image must not have /opt/project/{name}: {fault}\n" if fault else ""
    assert (done.stderr.decode(), done.returncode) == (wrong, 1 if fault else 0)
    assert "python click==8.3.0\n" in done.stdout.decode()


@pytest.mark.parametrize(
    ("stage", "line", "expected"),
    [
        ("build", "RUN apt-get install --yes gcc", ""),
        ("runtime", "RUN apt-get install --yes gcc", "must not have gcc: a compiler"),
        ("runtime", "RUN apt-get install --yes openjdk-17-jdk-headless", "a compiler"),
        ("runtime", "ADD https://example.org/a.tar /opt/", "write ADD as COPY"),
        ("runtime", "COPY financial_pipeline_tests tests", "is not in the build context"),
    ],
)
def test_what_a_dockerfile_adds_is_judged(
    context: Path, stage: str, line: str, expected: str
) -> None:
    file = context / "docker" / "Dockerfile"
    head = f" AS {stage}\n"
    file.write_text(file.read_text("utf-8").replace(head, f"{head}{line}\n"), "utf-8")
    done = run("--context", context)
    assert done.returncode == (1 if expected else 0)
    assert expected in done.stderr.decode()
    assert len(done.stderr.splitlines()) == (1 if expected else 0)


def packed(files: dict[str, bytes]) -> bytes:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return archive.getvalue()


def test_a_real_image_is_listed_and_judged_from_its_export() -> None:
    jar = io.BytesIO()
    with zipfile.ZipFile(jar, "w") as opened:
        opened.writestr(POM, "#made\ngroupId=org.example\nartifactId=tool\nversion=1.2\n")
    files = dict.fromkeys(ARCHIVED, b"") | {"opt/tool.jar": jar.getvalue()}
    done = run(
        "--archive", "-", "--json", given=packed(files | {"var/lib/dpkg/status": STATUS.encode()})
    )
    found = json.loads(done.stdout)
    expected = {f"/{path}: {fault}" for path, fault in ARCHIVED.items() if fault}
    assert {*found["faults"]} >= expected | {"gcc-12: a compiler"}
    blamed = {each.split(": ")[0] for each in found["faults"]}
    assert blamed == {each.split(": ")[0] for each in expected} | {"gcc-12"}
    assert done.returncode == 1
    assert found["debian"] == {"procps": "2:4.0", "gcc-12-base": "12.2", "gcc-12": "12.2"}
    assert found["python"] == {"click": "8.3.0"}
    digest = hashlib.sha256(jar.getvalue()).hexdigest()
    whole = {"path": "/opt/tool.jar", "coordinates": "org.example:tool:1.2", "sha256": digest}
    assert found["jars"] == [whole]


def test_a_broken_export_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "image.tar").write_bytes(b"no archive")
    done = run("--archive", tmp_path / "image.tar")
    assert done.returncode == 1
    assert done.stderr.startswith(b"The contents are not known: ")
