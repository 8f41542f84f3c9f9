"""No password is in the command line of a tool or a process, nor in the error about one."""

from pathlib import Path

import pytest

from financial_pipeline.errors import PipelineError
from financial_pipeline.local_cluster import broker, security
from financial_pipeline.local_cluster.status import Status, read_status, write_status

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


def brokers_of(java: str, tmp_path: Path) -> broker.Brokers:
    return broker.Brokers(
        nodes=[broker.Node(1, 9092, 9093, tmp_path / "broker")],
        java=java,
        jars=(),
        log_configuration=tmp_path / "log4j2.xml",
        heap_mb=64,
        users=(f"SCRAM-SHA-512=[name=admin,password={PASSWORD}]",),
    )


def test_no_error_of_a_slow_tool_has_a_password(slow_java: str, tmp_path: Path) -> None:
    brokers = brokers_of(slow_java, tmp_path)
    with pytest.raises(PipelineError, match=r"took more than 0\.05 s to format") as format_error:
        brokers.prepare()
    with pytest.raises(PipelineError, match=r"to make the brokers' certificate") as store_error:
        security.make_security(tmp_path / "security", slow_java)
    store = (tmp_path / "security" / "passwords").read_text().splitlines()[0].split("=", 1)[1]
    assert PASSWORD not in str(format_error.value)
    assert store not in str(store_error.value)


@pytest.fixture
def recording_java(tmp_path: Path) -> str:
    """A Java whose tools write down their command lines, and the file that `java` is to read.

    `keytool` makes an empty certificate.
    """
    for name in ("java", "keytool"):
        tool = tmp_path / name
        tool.write_text(
            f'#!/bin/sh\necho "{name} $*" >> {tmp_path}/commands\n'
            f'case "$1" in @*) cp -p "${{1#@}}" {tmp_path}/arguments;;'
            ' -exportcert) while [ "$1" != -file ]; do shift; done; : > "$2";; esac\n'
        )
        tool.chmod(0o755)
    return str(tmp_path / "java")


def test_no_command_line_has_a_password(recording_java: str, tmp_path: Path) -> None:
    (process,) = brokers_of(recording_java, tmp_path).prepare()
    made = security.make_security(tmp_path / "security", recording_java)
    commands = (tmp_path / "commands").read_text().splitlines()
    assert [line.split()[:2] for line in commands] == [
        ["java", f"@{tmp_path}/broker/format.arguments"],
        ["keytool", "-genkeypair"],
        ["keytool", "-exportcert"],
    ]
    for password in (PASSWORD, made.store_password, *made.passwords.values()):
        assert password not in " ".join([*commands, *process.command])


def test_the_arguments_of_the_format_are_for_their_owner_and_go_away(
    recording_java: str, tmp_path: Path
) -> None:
    brokers_of(recording_java, tmp_path).prepare()
    arguments = tmp_path / "arguments"
    assert f'"SCRAM-SHA-512=[name=admin,password={PASSWORD}]"' in arguments.read_text().split("\n")
    assert arguments.stat().st_mode & 0o777 == 0o600
    assert not (tmp_path / "broker" / "format.arguments").exists()


def test_what_was_cut_off_while_it_was_made_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut_off(_java: str, _password: str, *arguments: str) -> None:
        if "-exportcert" in arguments:
            Path(arguments[-1]).write_text("-----BEGIN")
            raise PipelineError("killed")

    def whole(_java: str, _password: str, *arguments: str) -> None:
        if "-exportcert" in arguments:
            Path(arguments[-1]).write_text("whole")

    monkeypatch.setattr(security, "_keytool", cut_off)
    with pytest.raises(PipelineError, match="killed"):
        security.make_security(tmp_path, "java")
    monkeypatch.setattr(security, "_keytool", whole)
    found = security.make_security(tmp_path, "java")
    assert found.ca_file.read_text() == "whole"
    file = tmp_path / "passwords"
    assert (len(file.read_text().splitlines()), file.stat().st_mode & 0o777) == (4, 0o600)


def test_the_status_of_a_failed_start_has_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAFKA_PASSWORD", PASSWORD)
    write_status(tmp_path, Status("failed", 1, error=f"no answer from sasl://admin:{PASSWORD}@a"))
    assert PASSWORD not in (tmp_path / "status.json").read_text()
    assert read_status(tmp_path) == Status("failed", 1, error="no answer from sasl://admin:***@a")
