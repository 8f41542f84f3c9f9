"""TLS and SCRAM for the local brokers: a certificate, users, and the brokers' properties.

Made once per state folder, with `keytool` of the Java that runs the brokers. Users: `admin` is the
brokers' own, `pipeline` is ours; all other users have no rights.
"""

import secrets
import subprocess
from dataclasses import dataclass
from pathlib import Path

from financial_pipeline.errors import PipelineError
from financial_pipeline.files import replacing
from financial_pipeline.local_cluster.java_text import environment, property_value

ADMIN, PIPELINE, STRANGER = "admin", "pipeline", "stranger"
VALID_DAYS = "3650"
PASSWORD_BYTES = 18
KEYTOOL_SECONDS = 60.0
# Variable of keytool's environment.
STORE_PASSWORD = "STORE_PASSWORD"


@dataclass(frozen=True)
class BrokerSecurity:
    """The security settings of the brokers; `passwords` by user."""

    keystore: Path
    ca_file: Path
    store_password: str
    passwords: dict[str, str]

    def properties(self) -> str:
        """Lines of `server.properties`."""
        scram = "org.apache.kafka.common.security.scram.ScramLoginModule required"
        plain = "org.apache.kafka.common.security.plain.PlainLoginModule required"
        admin = f'username="{ADMIN}" password="{self.passwords[ADMIN]}"'
        return (
            "listener.security.protocol.map=CONTROLLER:SASL_SSL,SASL_SSL:SASL_SSL\n"
            "inter.broker.listener.name=SASL_SSL\n"
            "sasl.enabled.mechanisms=SCRAM-SHA-512\n"
            "sasl.mechanism.inter.broker.protocol=SCRAM-SHA-512\n"
            # SCRAM cannot serve the controllers before the metadata exists.
            "sasl.mechanism.controller.protocol=PLAIN\n"
            "listener.name.controller.sasl.enabled.mechanisms=PLAIN\n"
            f"listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config={scram} {admin};\n"
            f"listener.name.controller.plain.sasl.jaas.config={plain} {admin} "
            f'user_{ADMIN}="{self.passwords[ADMIN]}";\n'
            f"ssl.keystore.type=PKCS12\nssl.keystore.location={property_value(self.keystore)}\n"
            f"ssl.keystore.password={self.store_password}\n"
            f"ssl.truststore.type=PEM\nssl.truststore.location={property_value(self.ca_file)}\n"
            "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer\n"
            f"super.users=User:{ADMIN};User:{PIPELINE}\n"
        )

    def users(self) -> tuple[str, ...]:
        """The users in the form in which `StorageTool format --add-scram` takes them."""
        return tuple(
            f"SCRAM-SHA-512=[name={user},password={password}]"
            for user, password in self.passwords.items()
        )


def _keytool(java: str, store_password: str, *arguments: str) -> None:
    tool = Path(java).resolve().with_name("keytool")
    # In its environment, which only its owner can read, unlike a command line.
    command = [str(tool), *arguments, "-storepass:env", STORE_PASSWORD]
    own = environment() | {STORE_PASSWORD: store_password}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=KEYTOOL_SECONDS, env=own
        )
    except subprocess.TimeoutExpired:
        slow = f"{tool} took more than {KEYTOOL_SECONDS:g} s to make the brokers' certificate."
        raise PipelineError(slow) from None
    if done.returncode:
        raise PipelineError(f"The brokers' certificate could not be made: {done.stdout.strip()}")


def make_security(folder: Path, java: str) -> BrokerSecurity:
    """The certificate and the users of a state folder, made at the first call."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    keystore, ca_file, file = folder / "broker.p12", folder / "ca.pem", folder / "passwords"
    if not file.exists():
        names = ("store", ADMIN, PIPELINE, STRANGER)
        chosen = [f"{name}={secrets.token_urlsafe(PASSWORD_BYTES)}" for name in names]
        with replacing(file) as temporary:
            temporary.touch(mode=0o600)
            temporary.write_text("\n".join(chosen), "utf-8")
    passwords = dict(line.split("=", 1) for line in file.read_text("utf-8").splitlines())
    store_password = passwords.pop("store")
    store = ("-keystore", str(keystore), "-alias", "broker")
    if not ca_file.exists():
        keystore.unlink(missing_ok=True)
        _keytool(
            java,
            store_password,
            "-genkeypair",
            *store,
            "-storetype",
            "PKCS12",
            "-keyalg",
            "RSA",
            "-dname",
            "CN=localhost",
            "-validity",
            VALID_DAYS,
            "-ext",
            "bc=ca:true",
            "-ext",
            "san=dns:localhost,ip:127.0.0.1",
        )
        with replacing(ca_file) as made:
            _keytool(java, store_password, "-exportcert", "-rfc", *store, "-file", str(made))
    return BrokerSecurity(keystore, ca_file, store_password, passwords)
