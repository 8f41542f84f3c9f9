"""What Flink needs in Java, compiled on this machine: `flink/java/*.java` to classes.

The compiler is the JDK's; on a Java without one it is the Eclipse compiler of `flink/jars.lock`.
Classes are cached under the hash of their sources, so nothing is compiled or fetched twice.
`python -m financial_pipeline.local_cluster.java_classes` compiles them ahead.
"""

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import mkdtemp
from typing import Final

from financial_pipeline.errors import PipelineError
from financial_pipeline.files import locked, move_folder
from financial_pipeline.local_cluster.jars import COMPILER, obtain_one
from financial_pipeline.local_cluster.java import RuntimeUnavailable, find_flink, find_java
from financial_pipeline.local_cluster.java_text import environment
from financial_pipeline.settings import PROJECT_ROOT, Settings

SOURCES: Final = PROJECT_ROOT / "flink" / "java"
JARS_LOCK: Final = PROJECT_ROOT / "flink" / "jars.lock"
# Names of the classes that Flink looks up by the interface that they implement.
SERVICES: Final = "META-INF/services"
# The oldest Java that runs them.
RELEASE: Final = "17"
JDK_COMPILER: Final = ("-m", "jdk.compiler/com.sun.tools.javac.Main")
NO_COMPILER: Final = "jdk.compiler not found"


def class_path(distribution: Path) -> str:
    """The jars of a Flink distribution as a class path."""
    return ":".join(map(str, sorted((distribution / "lib").glob("*.jar"))))


def compiled(
    java: str, distribution: Path, cache: Path, mirror: str | None, folder: Path | None
) -> Path:
    """The folder of the compiled classes in the cache; `mirror` and `folder` as for jars.

    Raises RuntimeUnavailable with the compiler's message, or for the lack of a compiler.
    """
    sources = sorted(SOURCES.glob("*.java"))
    services = sorted((SOURCES / SERVICES).glob("*"))
    digest = hashlib.sha256()
    for jar in sorted((distribution / "lib").glob("*.jar")):
        digest.update(jar.name.encode())
    for file in [*sources, *services]:
        digest.update(file.read_bytes())
    target = cache / f"classes-{digest.hexdigest()[:16]}"
    if target.is_dir():
        return target
    with locked(cache / "classes.lock"):
        if not target.is_dir():
            work = Path(mkdtemp(prefix=".classes-", dir=cache))
            try:
                _compile(java, distribution, sources, work, (cache, mirror, folder))
                if services:
                    shutil.copytree(SOURCES / SERVICES, work / SERVICES)
                move_folder(work, target)
            finally:
                shutil.rmtree(work, ignore_errors=True)
    return target


def _compile(
    java: str,
    distribution: Path,
    sources: Sequence[Path],
    work: Path,
    place: tuple[Path, str | None, Path | None],
) -> None:
    options = ["-cp", class_path(distribution), "-d", str(work), *map(str, sources)]
    done = _run([java, *JDK_COMPILER, "--release", RELEASE, *options])
    if NO_COMPILER in done.stdout:
        eclipse = obtain_one(JARS_LOCK, COMPILER, *place)
        done = _run([java, "-jar", str(eclipse), "-nowarn", f"-{RELEASE}", *options])
    if done.returncode:
        raise RuntimeUnavailable(
            f"The classes of {SOURCES} do not compile: " + " ".join(done.stdout.split())[:500]
        )


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        env=environment(),
    )


if __name__ == "__main__":
    known = Settings()
    jars = (known.jars_cache, known.maven_mirror, known.jars_dir)
    try:
        compiled(find_java(), find_flink(known.flink_environment), *jars)
    except PipelineError as error:
        sys.exit(f"{error} They are compiled when a stream starts.")
