"""The locked jars of Kafka and Flink: fetched with `jgo`, cached, verified by SHA-256.

`flink/jars.lock` decides what is right; where a jar came from does not matter.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from financial_pipeline import files
from financial_pipeline.files import locked
from financial_pipeline.local_cluster.java import RuntimeUnavailable
from financial_pipeline.settings import Settings

FETCHERS = 6
# Jars that are added to Flink's distribution; every other locked jar belongs to the broker.
CONNECTOR = "flink-sql-connector-kafka"
SQL_DRIVER = "flink-sql-gateway"
# Fetched only where Java has no compiler.
COMPILER = "ecj"


class JarUnavailable(RuntimeUnavailable):
    """A locked jar is neither here nor to be fetched, or is not the one that was locked."""


@dataclass(frozen=True, order=True)
class Jar:
    """One line of the lock."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def coordinates(self) -> str:
        """Return the coordinates in Maven's notation."""
        return f"{self.group}:{self.artifact}:{self.version}"

    @property
    def file_name(self) -> str:
        """Return Maven's file name."""
        return f"{self.artifact}-{self.version}.jar"


@dataclass(frozen=True)
class Jars:
    """Verified files of one lock."""

    broker: tuple[Path, ...]
    connector: Path
    sql_driver: Path


def read_lock(lock: Path) -> list[Jar]:
    """The jars of a lock file: one `group:artifact:version sha256` a line."""
    found = []
    for line in lock.read_text("utf-8").splitlines():
        coordinates, sha256 = line.split()
        group, artifact, version = coordinates.split(":")
        found.append(Jar(group, artifact, version, sha256))
    return found


@dataclass(frozen=True)
class JarSource:
    """The source of jars: a cache that a Maven mirror fills, or one folder that has them all."""

    cache: Path
    mirror: str | None = None
    folder: Path | None = None

    def obtain(self, jar: Jar) -> Path:
        """The verified file of a jar; raises `JarUnavailable`."""
        path = self._from_folder(jar) if self.folder else self._from_cache(jar)
        found = files.sha256(path)
        if found != jar.sha256:
            raise JarUnavailable(
                f"{path} is not the {jar.coordinates} of flink/jars.lock (SHA-256 {found[:12]}"
                f" instead of {jar.sha256[:12]}): delete it, or fetch it from a source you trust."
            )
        return path

    def _from_folder(self, jar: Jar) -> Path:
        path = Path(self.folder or "") / jar.file_name
        if not path.is_file():
            raise JarUnavailable(
                f"{jar.coordinates} is not in {self.folder}, the folder that"
                f" FINANCIAL_PIPELINE_JARS_DIR names: put {jar.file_name} there, or unset the"
                " variable to fetch it."
            )
        return path

    def _from_cache(self, jar: Jar) -> Path:
        try:
            path = self._download(jar)
            if files.sha256(path) != jar.sha256:
                path.unlink()
                path = self._download(jar)
        # jgo raises arbitrary errors of its parsers and its HTTP client.
        except Exception as error:
            raise JarUnavailable(
                f"{jar.coordinates} could not be fetched ({type(error).__name__}): check the"
                " network, name a Maven mirror in FINANCIAL_PIPELINE_MAVEN_MIRROR, or a folder that"
                " holds the jars of flink/jars.lock in FINANCIAL_PIPELINE_JARS_DIR."
            ) from error
        return path

    def _download(self, jar: Jar) -> Path:
        """Fetch a jar into the cache, of Maven's layout, unless it is there."""
        from jgo.maven import MavenContext

        remotes = {"mirror": self.mirror} if self.mirror else None
        context = MavenContext(repo_cache=self.cache, remote_repos=remotes)
        project = context.project(jar.group, jar.artifact)
        return Path(project.at_version(jar.version).artifact().resolve())


def jar_source(settings: Settings) -> JarSource:
    """The source of jars that the settings describe."""
    return JarSource(settings.jars_cache, settings.maven_mirror, settings.jars_dir)


def obtain(lock: Path, source: JarSource) -> Jars:
    """Every jar of the lock but the compiler.

    Raises `JarUnavailable` with the coordinates and the setting that helps.
    """
    jars = [jar for jar in read_lock(lock) if jar.artifact != COMPILER]
    with locked(source.cache / "fetch.lock"), ThreadPoolExecutor(FETCHERS) as pool:
        found = pool.map(source.obtain, jars)
        paths = dict(zip((jar.artifact for jar in jars), found, strict=True))
    connector, sql_driver = paths.pop(CONNECTOR), paths.pop(SQL_DRIVER)
    return Jars(tuple(paths.values()), connector, sql_driver)


def obtain_one(lock: Path, artifact: str, source: JarSource) -> Path:
    """One jar of the lock by its artifact, as `obtain` gets all others."""
    (jar,) = (jar for jar in read_lock(lock) if jar.artifact == artifact)
    with locked(source.cache / "fetch.lock"):
        return source.obtain(jar)
