"""The connection of every client to the brokers: those that the settings name, or the local ones.

Secrets live in the environment or in files of mode 0600. Flink's tables name such a file and a key
in it, which the Kafka client resolves in the TaskManager: neither SQL, plans nor logs hold them.
"""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from financial_pipeline.errors import PipelineError
from financial_pipeline.local_cluster.java_text import property_value
from financial_pipeline.local_cluster.status import bootstrap_servers, is_running
from financial_pipeline.paths import Paths
from financial_pipeline.settings import Settings

MECHANISM = "SCRAM-SHA-512"
# The connector's Kafka client is relocated to its own package.
SHADED = "org.apache.flink.kafka.shaded.org.apache.kafka.common"
ANSWER_SECONDS = 10.0
ACCESS_FILE = "access.properties"
# The certificate next to it, on machines of a Flink cluster that we did not start.
CA_FILE = "ca.pem"


@dataclass(frozen=True)
class Connection:
    """Brokers, and who we are to them: nobody (PLAINTEXT), or a user by SASL/SCRAM over TLS."""

    bootstrap_servers: str
    user: str | None = None
    password: str = ""
    ca_file: Path | None = None

    def __repr__(self) -> str:
        return f"Connection({self.bootstrap_servers}, user={self.user})"

    def confluent(self) -> dict[str, Any]:
        """Configuration of a confluent-kafka client, whose faults callers report in a sentence."""
        plain: dict[str, Any] = {"bootstrap.servers": self.bootstrap_servers, "log_level": 0}
        if not self.user:
            return plain
        return plain | {
            "security.protocol": "SASL_SSL",
            "sasl.mechanism": MECHANISM,
            "sasl.username": self.user,
            "sasl.password": self.password,
            **({"ssl.ca.location": str(self.ca_file)} if self.ca_file else {}),
        }

    def kafka_python(self) -> dict[str, Any]:
        """Keyword arguments of a kafka-python client."""
        plain: dict[str, Any] = {"bootstrap_servers": self.bootstrap_servers.split(",")}
        if not self.user:
            return plain
        return plain | {
            "security_protocol": "SASL_SSL",
            "sasl_mechanism": MECHANISM,
            "sasl_plain_username": self.user,
            "sasl_plain_password": self.password,
            "ssl_cafile": str(self.ca_file) if self.ca_file else None,
        }

    def flink(self, folder: Path) -> dict[str, str]:
        """Client properties of a Flink table; the login is written to a file in `folder`."""
        if not self.user:
            return {}
        folder.mkdir(parents=True, exist_ok=True)
        secret = folder / ACCESS_FILE
        secret.touch(mode=0o600)
        module = f"{SHADED}.security.scram.ScramLoginModule"
        login = f'{module} required username="{self.user}" password="{self.password}";'
        secret.write_text(f"login={property_value(login)}\n", "utf-8")
        return self.flink_properties(secret, self.ca_file)

    def flink_properties(self, secret: Path, ca_file: Path | None) -> dict[str, str]:
        """Client properties of a Flink table whose TaskManagers find the login in `secret`."""
        return {
            "security.protocol": "SASL_SSL",
            "sasl.mechanism": MECHANISM,
            "config.providers": "file",
            "config.providers.file.class": f"{SHADED}.config.provider.FileConfigProvider",
            "sasl.jaas.config": f"${{file:{secret}:login}}",
            **(
                {"ssl.truststore.type": "PEM", "ssl.truststore.location": str(ca_file)}
                if ca_file
                else {}
            ),
        }


def write_access(state: Path, local: Connection) -> None:
    """Write the connection to a file next to the local brokers' data, for other commands."""
    file = state / ACCESS_FILE
    file.unlink(missing_ok=True)
    if local.user:
        file.touch(mode=0o600)
        lines = (f"user={local.user}", f"password={local.password}", f"ca_file={local.ca_file}")
        file.write_text("\n".join(lines), "utf-8")


def local_access(state: Path) -> dict[str, str]:
    """User, password and `ca_file` of the local brokers, empty where they are open."""
    file = state / ACCESS_FILE
    if not file.exists():
        return {}
    return dict(line.split("=", 1) for line in file.read_text("utf-8").splitlines())


def connection(settings: Settings, paths: Paths) -> Connection:
    """The brokers that FINANCIAL_PIPELINE_KAFKA_BROKERS names, or those of `stream up`.

    Raises `PipelineError` where neither is there.
    """
    if settings.kafka_brokers:
        secret = settings.kafka_password
        return Connection(
            settings.kafka_brokers,
            settings.kafka_user,
            secret.get_secret_value() if secret else "",
            settings.kafka_ca_file,
        )
    access = local_access(paths.stream_runtime)
    return Connection(
        bootstrap_servers(paths.stream_runtime),
        access.get("user"),
        access.get("password", ""),
        Path(access["ca_file"]) if access else None,
    )


def is_reachable(settings: Settings, paths: Paths) -> bool:
    """Whether brokers are named or a local stream is up."""
    return bool(settings.kafka_brokers) or is_running(paths.stream_runtime)


def require_answer(client: dict[str, Any]) -> None:
    """Return once the brokers answered; else one sentence that says who refused whom, and why.

    `client` is a confluent-kafka configuration.
    """
    reasons: list[KafkaError] = []
    admin = AdminClient(client | {"error_cb": reasons.append})
    deadline = time.monotonic() + ANSWER_SECONDS
    while True:
        try:
            admin.list_topics(timeout=1.0)
            return
        except KafkaException as error:
            admin.poll(0)
            final = {KafkaError._AUTHENTICATION, KafkaError._SSL} & {
                each.code() for each in reasons
            }
            if final or time.monotonic() > deadline:
                raise PipelineError(_refusal(client, reasons)) from error


def _refusal(client: dict[str, Any], reasons: list[KafkaError]) -> str:
    brokers, user = client["bootstrap.servers"], client.get("sasl.username")
    codes = {reason.code() for reason in reasons}
    if KafkaError._AUTHENTICATION in codes:
        return (
            f"Kafka at {brokers} refused user {user}: authentication failed; check "
            "FINANCIAL_PIPELINE_KAFKA_USER and FINANCIAL_PIPELINE_KAFKA_PASSWORD."
        )
    if KafkaError._SSL in codes:
        return (
            f"Kafka at {brokers} shows a certificate that is not trusted, or speaks no TLS; check "
            "FINANCIAL_PIPELINE_KAFKA_CA_FILE."
        )
    who = f"as user {user}" if user else "without a user"
    return (
        f"Kafka at {brokers} does not answer a client {who} (it is down, or wants SASL over TLS: "
        "then set FINANCIAL_PIPELINE_KAFKA_USER and FINANCIAL_PIPELINE_KAFKA_PASSWORD)."
    )
