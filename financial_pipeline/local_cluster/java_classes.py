"""Flink's Java functions, compiled here: `flink/java/*.java` to classes, and the job's one jar.

The compiler is the JDK's; if Java has no fit one it is the Eclipse compiler of `flink/jars.lock`.
Classes are cached under the hash of their sources, so nothing is compiled or fetched twice.
`python -m financial_pipeline.local_cluster.java_classes` compiles them ahead.
"""

import hashlib
import shutil
import subprocess
import sys
import zipfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import mkdtemp
from typing import Final

from financial_pipeline.errors import PipelineError
from financial_pipeline.files import locked, move_folder, replacing
from financial_pipeline.local_cluster.jars import (
    COMPILER,
    Jars,
    JarSource,
    jar_source,
    obtain_one,
)
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
# Answers of a Java without a compiler, and of a Java 21 without the signatures of older releases:
# Debian's packages without JDK.
UNFIT: Final = ("jdk.compiler not found", f"release version {RELEASE} not supported")
# Manifests and signatures of single jars do not apply to their union.
LEFT_OUT: Final = ("META-INF/MANIFEST.MF", "META-INF/INDEX.LIST")
SIGNATURES: Final = (".SF", ".RSA", ".DSA")
# The function of the job; the guard of the REST server is for the local cluster alone.
FUNCTION: Final = "Judge*.class"


def class_path(distribution: Path) -> str:
    """The jars of a Flink distribution as a class path."""
    return ":".join(map(str, sorted((distribution / "lib").glob("*.jar"))))


def compile_classes(java: str, distribution: Path, source: JarSource) -> Path:
    """The folder of the compiled classes in the cache of the jars.

    Raises RuntimeUnavailable with the compiler's message, or for the lack of a compiler.
    """
    sources = sorted(SOURCES.glob("*.java"))
    services = sorted((SOURCES / SERVICES).glob("*"))
    digest = hashlib.sha256()
    for jar in sorted((distribution / "lib").glob("*.jar")):
        digest.update(jar.name.encode())
    for file in [*sources, *services]:
        digest.update(file.read_bytes())
    target = source.cache / f"classes-{digest.hexdigest()[:16]}"
    if target.is_dir():
        return target
    with locked(source.cache / "classes.lock"):
        if not target.is_dir():
            work = Path(mkdtemp(prefix=".classes-", dir=source.cache))
            try:
                _compile(java, distribution, sources, work, source)
                if services:
                    shutil.copytree(SOURCES / SERVICES, work / SERVICES)
                move_folder(work, target)
            finally:
                shutil.rmtree(work, ignore_errors=True)
    return target


def _compile(
    java: str, distribution: Path, sources: Sequence[Path], work: Path, source: JarSource
) -> None:
    options = ["-cp", class_path(distribution), "-d", str(work), *map(str, sources)]
    done = _run([java, *JDK_COMPILER, "--release", RELEASE, *options])
    if any(answer in done.stdout for answer in UNFIT):
        eclipse = obtain_one(JARS_LOCK, COMPILER, source)
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


def job_jar(jars: Jars, classes: Path, cache: Path) -> Path:
    """Return the jar of the SQL driver, the Kafka connector and the job's function.

    It is cached under its inputs. Of two entries of one name the driver's stays; names of services
    are joined.
    """
    function = sorted(classes.glob(FUNCTION))
    names = (jars.sql_driver.name, jars.connector.name, classes.name)
    digest = hashlib.sha256("\n".join(names).encode()).hexdigest()[:16]
    target = cache / f"financial-pipeline-job-{digest}.jar"
    with locked(cache / "job-jar.lock"):
        if not target.exists():
            with replacing(target) as temporary, zipfile.ZipFile(temporary, "w") as jar:
                _fill(jar, (jars.sql_driver, jars.connector), function)
    return target


def _fill(jar: zipfile.ZipFile, sources: tuple[Path, ...], function: list[Path]) -> None:
    services: dict[str, list[bytes]] = defaultdict(list)
    written: set[str] = set()
    for name, content in _entries(sources):
        if name.startswith(f"{SERVICES}/"):
            services[name].append(content)
        elif name not in written:
            written.add(name)
            jar.writestr(name, content, zipfile.ZIP_DEFLATED, compresslevel=1)
    for name, texts in services.items():
        jar.writestr(name, b"\n".join(texts) + b"\n")
    for path in function:
        jar.write(path, path.name)


def _entries(sources: tuple[Path, ...]) -> Iterator[tuple[str, bytes]]:
    for source in sources:
        with zipfile.ZipFile(source) as opened:
            for name in opened.namelist():
                is_folder, is_signed = name.endswith("/"), name.upper().endswith(SIGNATURES)
                if not (is_folder or is_signed or name in LEFT_OUT):
                    yield name, opened.read(name)


if __name__ == "__main__":
    known = Settings()
    try:
        compile_classes(find_java(), find_flink(), jar_source(known))
    except PipelineError as error:
        sys.exit(f"{error} They are compiled when a stream starts.")
