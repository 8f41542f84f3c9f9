"""The Java and the Flink distribution of this machine, or one sentence about the missing one."""

import os
import re
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Final

from financial_pipeline.errors import PipelineError

# Kafka 4 brokers need 17; Flink 2.3 knows 17 and 21.
VERSIONS = (17, 21)
# Flink's jars and scripts, without PyFlink.
FLINK: Final = "apache-flink-libraries"


class RuntimeUnavailable(PipelineError):
    """Kafka or Flink is neither on this machine nor to be fetched."""


def find_java() -> str:
    """Path of a Java 17 or 21; `JAVA_HOME` goes before PATH."""
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    try:
        banner = subprocess.run([java or "", "-version"], capture_output=True, text=True).stderr
    except OSError:
        banner = ""
    version = re.search(r'version "(\d+)', banner)
    if not java or not version or int(version[1]) not in VERSIONS:
        raise PipelineError(
            "Java 17 or 21 is needed for Kafka and Flink and was not found; install it, or point "
            "JAVA_HOME at it."
        )
    return java


def find_flink() -> Path:
    """Folder of Flink's distribution in this environment; it contains `lib/*.jar`."""
    try:
        return Path(str(distribution(FLINK).locate_file("pyflink")))
    except PackageNotFoundError:
        raise RuntimeUnavailable(
            f"Flink is not installed: run `make setup`, or install the {FLINK} of"
            " requirements.lock."
        ) from None
