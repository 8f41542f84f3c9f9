"""`python docker/list_image.py` lists the contents of our image, as text or with `--json`.

It reads Dockerfile, .dockerignore, lock and installed jars, or with `--archive` a real image: the
output of `docker export` as a file, or `-`. It ends with 1 if the image has what it must not have.
"""

import argparse
import base64
import io
import json
import re
import shlex
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, distribution
from operator import itemgetter
from pathlib import Path, PurePosixPath
from posixpath import normpath
from typing import IO, Final

from contents import Contents, describe_jar, faults, lines_of, read_archive

ROOT: Final = Path(__file__).resolve().parents[1]
REQUIREMENT: Final = re.compile(r"--requirement[ =](\S+)")
APT: Final = re.compile(r"apt-get install ([^&|;]+)")


@dataclass
class Stage:
    """A stage of a Dockerfile: its base, copied files by their place, and its commands."""

    base: str
    name: str
    folder: str = "/"
    copied: dict[str, str] = field(default_factory=dict)
    # Folders by the stage from which they are copied.
    stages: dict[str, str] = field(default_factory=dict)
    commands: list[str] = field(default_factory=list)


def context_files(context: Path) -> list[str]:
    """Return the files of a build context that .dockerignore lets through."""
    from docker.utils.build import exclude_paths

    lines = (context / ".dockerignore").read_text("utf-8").splitlines()
    patterns = [line.strip() for line in lines if line.strip() and line[0] != "#"]
    return sorted(name for name in exclude_paths(context, patterns) if (context / name).is_file())


def read_stages(dockerfile: Path, sent: list[str]) -> list[Stage]:
    """Return the stages of a Dockerfile over the files of its context.

    Raises ValueError for an instruction whose files are not known here.
    """
    from dockerfile_parse import DockerfileParser

    stages: list[Stage] = []
    parser = DockerfileParser(fileobj=io.BytesIO(dockerfile.read_bytes()))
    for line in parser.structure:
        kind, value = line["instruction"], line["value"]
        if kind == "FROM":
            base, _, name = value.partition(" AS ")
            stages.append(Stage(base, name))
        elif kind == "WORKDIR":
            stages[-1].folder = value
        elif kind == "RUN":
            stages[-1].commands.append(value)
        elif kind == "COPY":
            _copy(stages[-1], shlex.split(value), sent)
        elif kind == "ADD" or "<<" in value:
            raise ValueError(f"{dockerfile.name}:{line['startline'] + 1}: write {kind} as COPY")
    return stages


def _copy(stage: Stage, words: list[str], sent: list[str]) -> None:
    flags = [word for word in words if word.startswith("--")]
    *sources, target = words[len(flags) :]
    if named := [flag.removeprefix("--from=") for flag in flags if flag.startswith("--from=")]:
        stage.stages[named[0]] = target
        return
    place = PurePosixPath(stage.folder) / target
    is_folder = target.endswith(("/", ".")) or len(sources) > 1
    for source in sources:
        found = [name for name in sent if name == source or name.startswith(f"{source}/")]
        if not found:
            raise ValueError(f"{source} is not in the build context")
        for name in found:
            inner = PurePosixPath(name).relative_to(source)
            whole = place / PurePosixPath(source).name if found == [source] and is_folder else place
            stage.copied[str(whole / inner)] = name


def read_dockerfile(context: Path) -> Contents:
    """Return the contents that a build of docker/Dockerfile over a context will have."""
    stages = read_stages(context / "docker" / "Dockerfile", context_files(context))
    last = stages[-1]
    python: dict[str, str] = {}
    jars: list[dict[str, str]] = []
    for stage in stages:
        if folder := last.stages.get(stage.name):
            version = re.sub(r".*python:(\d+\.\d+).*", r"\1", stage.base)
            for lock in _locks(stage):
                python |= locked_packages((context / lock).read_text("utf-8"), version)
            jars += _installed_jars(python, f"{folder}/lib/python{version}/site-packages")
    debian = [name for command in last.commands for name in _debian(command)]
    source, versions = f"docker/Dockerfile on {last.base}", dict.fromkeys(debian, "")
    return Contents(
        source, sorted(last.copied), versions, python, sorted(jars, key=itemgetter("path"))
    )


def _locks(stage: Stage) -> list[str]:
    named = [name for command in stage.commands for name in REQUIREMENT.findall(command)]
    return [stage.copied[str(PurePosixPath(stage.folder) / name)] for name in named]


def _debian(command: str) -> list[str]:
    words = [word for found in APT.findall(command) for word in found.split()]
    return [word for word in words if not word.startswith("-")]


def locked_packages(lock: str, python: str) -> dict[str, str]:
    """Return name and version of the packages of a lock for a Python on Linux."""
    from packaging.requirements import Requirement

    machine = {"sys_platform": "linux", "platform_system": "Linux", "python_version": python}
    # The tag of a base image is its newest patch.
    machine["python_full_version"] = f"{python}.99"
    lines = (line.rstrip(" \\") for line in lock.splitlines() if re.match(r"[a-z0-9]", line))
    found = [Requirement(line) for line in lines]
    return {
        each.name: str(each.specifier).removeprefix("==")
        for each in found
        if each.marker is None or each.marker.evaluate(machine)
    }


def _installed_jars(python: dict[str, str], folder: str) -> Iterator[dict[str, str]]:
    """Yield the jars of those packages that are installed here in their locked version."""
    for name, version in python.items():
        try:
            installed = distribution(name)
        except PackageNotFoundError:
            continue
        for file in installed.files or [] if installed.version == version else []:
            if file.suffix == ".jar" and file.hash:
                digest = base64.urlsafe_b64decode(file.hash.value + "=").hex()
                with Path(str(file.locate())).open("rb") as jar:
                    yield describe_jar(normpath(f"{folder}/{file}"), jar, digest)


def main(arguments: list[str] | None = None) -> int:
    """Print the contents; return 1 if the image has what it must not have."""
    parser = argparse.ArgumentParser(description=__doc__, prog="docker/list_image.py")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--archive", help="output of `docker export`, or - for standard input")
    parser.add_argument("--context", type=Path, default=ROOT, help="folder of the build")
    options = parser.parse_args(arguments)
    try:
        archive = open_archive(options.archive) if options.archive else None
        contents = read_archive(archive) if archive else read_dockerfile(options.context)
    except (OSError, ValueError, tarfile.TarError, ImportError) as error:
        sys.exit(f"The contents are not known: {error}")
    wrong = faults(contents)
    document = asdict(contents) | {"faults": wrong}
    print(json.dumps(document, indent=1) if options.json else "\n".join(lines_of(contents)))
    for each in wrong:
        print(f"The image must not have {each}", file=sys.stderr)
    return 1 if wrong else 0


def open_archive(name: str) -> IO[bytes]:
    """Open a file, or standard input for `-`."""
    return sys.stdin.buffer if name == "-" else Path(name).open("rb")


if __name__ == "__main__":
    sys.exit(main())
