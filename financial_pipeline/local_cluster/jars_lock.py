"""`python -m financial_pipeline.local_cluster.jars_lock` resolves flink/jars.lock again.

The requested artifacts are listed here; their run-time dependencies come from Maven. Every line of
the lock is a jar and the SHA-256 of its content, sorted.
"""

from pathlib import Path

from jgo.maven import Dependency, MavenContext

from financial_pipeline.files import sha256
from financial_pipeline.local_cluster.jars import COMPILER, CONNECTOR, SQL_DRIVER
from financial_pipeline.local_cluster.java_classes import JARS_LOCK
from financial_pipeline.settings import Settings

KAFKA = ("org.apache.kafka", "kafka_2.13", "4.3.1")
# The broker's POM leaves the log backend out; its slf4j is 1.7.
LOG_BACKEND = (
    ("org.apache.logging.log4j", "log4j-slf4j-impl", "2.25.4"),
    ("org.apache.logging.log4j", "log4j-1.2-api", "2.25.4"),
)
# Taken alone: the connector holds its own Kafka client, the driver runs inside Flink.
FLINK = (
    ("org.apache.flink", CONNECTOR, "5.0.0-2.2"),
    ("org.apache.flink", SQL_DRIVER, "2.3.0"),
)
# Compiles the job's functions where Java has no compiler.
ECLIPSE = ("org.eclipse.jdt", COMPILER, "3.40.0")
RUNTIME_SCOPES = (None, "compile", "runtime")


def resolve(context: MavenContext) -> list[str]:
    """The lines of the lock, sorted."""
    chosen = []
    # Resolved separately: together, the managed versions of one would change those of the others.
    for group, artifact, version in (KAFKA, *LOG_BACKEND):
        asked = Dependency(context.project(group, artifact).at_version(version).artifact())
        inputs, needed = context.resolver.resolve([asked])
        chosen += [each.artifact for each in inputs + needed if each.scope in RUNTIME_SCOPES]
    alone = [
        context.project(group, artifact).at_version(version).artifact()
        for group, artifact, version in (*FLINK, ECLIPSE)
    ]
    lines = {
        f"{each.groupId}:{each.artifactId}:{each.version} {sha256(Path(each.resolve()))}"
        for each in chosen + alone
    }
    return sorted(lines)


if __name__ == "__main__":
    settings = Settings()
    mirror = {"mirror": settings.maven_mirror} if settings.maven_mirror else None
    lines = resolve(MavenContext(repo_cache=settings.jars_cache, remote_repos=mirror))
    JARS_LOCK.write_text("\n".join(lines) + "\n", "utf-8")
