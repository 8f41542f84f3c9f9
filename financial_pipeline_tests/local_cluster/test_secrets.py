"""A tool that hangs is reported without the command line that started it, which has passwords."""

from pathlib import Path

import pytest

from financial_pipeline.errors import PipelineError
from financial_pipeline.local_cluster import broker, security

PASSWORD = "a-password-of-a-broker"


@pytest.fixture
def slow_java(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A Java whose tools never end in time."""
    for name in ("java", "keytool"):
        tool = tmp_path / name
        tool.write_text("#!/bin/sh\nexec sleep 5\n")
        tool.chmod(0o755)
    monkeypatch.setattr(broker, "FORMAT_SECONDS", 0.05)
    monkeypatch.setattr(security, "KEYTOOL_SECONDS", 0.05)
    return str(tmp_path / "java")


def test_no_error_of_a_slow_tool_has_a_password(slow_java: str, tmp_path: Path) -> None:
    brokers = broker.Brokers(
        nodes=[broker.Node(1, 9092, 9093, tmp_path / "broker")],
        java=slow_java,
        jars=(),
        log_configuration=tmp_path / "log4j2.xml",
        heap_mb=64,
        users=(f"SCRAM-SHA-512=[name=admin,password={PASSWORD}]",),
    )
    with pytest.raises(PipelineError, match=r"took more than 0\.05 s to format") as format_error:
        brokers.prepare()
    with pytest.raises(PipelineError, match=r"to make the brokers' certificate") as store_error:
        security.make_security(tmp_path / "security", slow_java)
    store = (tmp_path / "security" / "passwords").read_text().splitlines()[0].split("=", 1)[1]
    assert PASSWORD not in str(format_error.value)
    assert store not in str(store_error.value)
