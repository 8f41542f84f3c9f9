"""One jar with everything that the job needs on a Flink cluster that somebody else started."""

import hashlib
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from financial_pipeline.files import locked, replacing
from financial_pipeline.local_cluster.jars import Jars

SERVICES: Final = "META-INF/services/"
# Manifests and signatures of single jars say nothing about their union.
LEFT_OUT: Final = ("META-INF/MANIFEST.MF", "META-INF/INDEX.LIST")
SIGNATURES: Final = (".SF", ".RSA", ".DSA")
# The function of the job; the guard of the REST server is for the local cluster alone.
FUNCTION: Final = "Judge*.class"


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
        if name.startswith(SERVICES):
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
