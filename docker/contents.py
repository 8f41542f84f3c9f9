"""Contents of an image: read from a real one, judged, and as lines for people."""

import hashlib
import io
import re
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import IO, Final

PROJECT: Final = "/opt/project"
# Folders of the project and of people; libraries bring tests and certificates of their own.
OURS: Final = (PROJECT, "/home", "/root", "/data", "/drop", "/run/secrets")
COMPILER_PACKAGE: Final = re.compile(
    r"(gcc|g\+\+|cpp|clang|tcc|make|binutils|rustc|cargo|golang|build-essential|.+-dev"
    r"|.+-jdk|.+-jdk-headless)(-[\d.]+)?"
)
COMPILER_FILE: Final = re.compile(r"(.+-)?(gcc|cc|g\+\+|c\+\+|clang|tcc|rustc|javac|ld)(-[\d.]+)?")
PROGRAMS: Final = ("/usr/bin", "/usr/local/bin", "/opt/java")
# The folder `tests` of dbt has tests of data, which every run needs.
TEST: Final = re.compile(r"test_.+\.py|conftest\.py|.*_tests")
SECRET: Final = re.compile(
    r"\.env|secrets|.*password.*|.+\.(pem|key|p12|jks)|id_(rsa|ed25519)|\.netrc|\.pypirc", re.I
)
CACHE: Final = re.compile(r"__pycache__|\.cache|\..+_cache|\.hypothesis|.+\.pyc")
LISTS: Final = "/var/lib/apt/lists"
DIST_INFO: Final = re.compile(r"([^/]+)-([^/-]+)\.dist-info/METADATA$")
POM: Final = re.compile(r"META-INF/maven/.+/pom\.properties")
KEYS: Final = ("groupId", "artifactId", "version")
VALUE: Final = re.compile(r"(?m)^(groupId|artifactId|version) *= *(\S+)")


@dataclass
class Contents:
    """Contents of an image; an empty version is the one that Debian has on the day of the build."""

    source: str
    files: list[str] = field(default_factory=list)
    debian: dict[str, str] = field(default_factory=dict)
    python: dict[str, str] = field(default_factory=dict)
    # Path, coordinates and SHA-256 of each.
    jars: list[dict[str, str]] = field(default_factory=list)


def describe_jar(path: str, jar: IO[bytes], sha256: str) -> dict[str, str]:
    """Describe a jar, by the pom.properties of its name or its only one, else by its file name."""
    stem = PurePosixPath(path).stem
    with zipfile.ZipFile(jar) as opened:
        names = [name for name in opened.namelist() if POM.fullmatch(name)]
        poms = [dict(VALUE.findall(opened.read(name).decode())) for name in names]
    # A jar may contain others.
    poms = [pom for pom in poms if f"{pom['artifactId']}-{pom['version']}" == stem] or poms
    coordinates = ":".join(poms[0][key] for key in KEYS) if len(poms) == 1 else stem
    return {"path": path, "coordinates": coordinates, "sha256": sha256}


def read_archive(archive: IO[bytes]) -> Contents:
    """Return the contents of the files of an image, packed by `docker export`."""
    contents = Contents("image")
    with tarfile.open(fileobj=archive, mode="r|*") as packed:
        for member in packed:
            path = f"/{member.name.removeprefix('./')}"
            if member.isdir():
                continue
            contents.files.append(path)
            if found := DIST_INFO.search(path):
                contents.python[found[1].replace("_", "-").lower()] = found[2]
            file = packed.extractfile(member) if member.isreg() else None
            if file and path == "/var/lib/dpkg/status":
                contents.debian = _installed_packages(file.read().decode())
            elif file and path.endswith(".jar"):
                data = file.read()
                digest = hashlib.sha256(data).hexdigest()
                contents.jars.append(describe_jar(path, io.BytesIO(data), digest))
    contents.files.sort()
    contents.jars.sort(key=lambda jar: jar["path"])
    return contents


def _installed_packages(status: str) -> dict[str, str]:
    packages = (dict(re.findall(r"(?m)^([\w-]+): (.*)$", text)) for text in status.split("\n\n"))
    return {each["Package"]: each["Version"] for each in packages if "Version" in each}


def faults(contents: Contents) -> list[str]:
    """Return the contents that an image must not have, each with the reason."""
    found = [f"{name}: a compiler" for name in contents.debian if COMPILER_PACKAGE.fullmatch(name)]
    for path in contents.files:
        parts = path.split("/")
        if path.startswith(PROGRAMS) and COMPILER_FILE.fullmatch(parts[-1]):
            found.append(f"{path}: a compiler")
        if ".git" in parts:
            found.append(f"{path}: history")
        if path.startswith(LISTS):
            found.append(f"{path}: a cache")
        if path.startswith(OURS):
            kinds = {"a test": TEST, "a secret": SECRET, "a cache": CACHE}
            found += [
                f"{path}: {kind}"
                for kind, name in kinds.items()
                if any(name.fullmatch(part) for part in parts[2:])
            ]
    return found


def lines_of(contents: Contents) -> Iterator[str]:
    """Yield the contents as lines for people."""
    yield contents.source
    yield from (f"file {path}" for path in contents.files)
    yield from (f"debian {name} {version}".rstrip() for name, version in contents.debian.items())
    yield from (f"python {name}=={version}" for name, version in contents.python.items())
    yield from (
        f"jar {jar['path']} {jar['coordinates']} sha256:{jar['sha256']}" for jar in contents.jars
    )
