"""Requests of web pages and other programs to the ports of a runtime: none changes it."""

import http.client
import json
from pathlib import Path

import psutil
import pytest

from financial_pipeline.local_cluster.runtime import LocalRuntime

SECONDS = 5.0
FOREIGN = {
    "a foreign origin": {"Origin": "http://evil.example"},
    "a foreign host": {"Host": "evil.example"},
    "a foreign origin that calls itself by its name": {
        "Origin": "http://evil.example",
        "Host": "evil.example",
    },
    "no origin": {"Origin": "null"},
}
PLAIN = {"Content-Type": "text/plain"}
MULTIPART = {"Content-Type": "multipart/form-data; boundary=x"}
JAR = (
    b'--x\r\nContent-Disposition: form-data; name="jarfile"; filename="a.jar"\r\n'
    b"Content-Type: application/x-java-archive\r\n\r\nPK\r\n--x--\r\n"
)
RUN = json.dumps({"entryClass": "Any"}).encode()


def status(port: int, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> int:
    """The status of an answer; 0 where nobody answers in HTTP."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    try:
        connection.request(method, path, body, headers)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


def rest_port(runtime: LocalRuntime) -> int:
    return int(runtime.rest_url.rsplit(":", 1)[1])


@pytest.mark.parametrize("headers", FOREIGN.values(), ids=FOREIGN)
@pytest.mark.parametrize("path", ["/overview", "/jars", "/jobmanager/config", "/"])
def test_a_foreign_page_reads_nothing(
    runtime: LocalRuntime, path: str, headers: dict[str, str]
) -> None:
    assert status(rest_port(runtime), "GET", path, None, headers) == 403


@pytest.mark.parametrize(
    ("method", "path", "body", "kind"),
    [
        ("POST", "/jars/upload", JAR, MULTIPART),
        ("POST", "/jars/any_a.jar/run", RUN, PLAIN),
        ("POST", "/jobs", JAR, MULTIPART),
        ("PATCH", f"/jobs/{'0' * 32}?mode=cancel", b"", PLAIN),
        ("POST", f"/jobs/{'0' * 32}/stop", b"{}", PLAIN),
        ("DELETE", "/jars/any_a.jar", None, PLAIN),
        ("POST", f"/jobs/{'0' * 32}/savepoints", b"{}", PLAIN),
        ("GET", "/jars/any_a.jar/plan?entry-class=Any", None, {}),
        ("GET", "/v1/jars%2Fany_a.jar/plan", None, {}),
    ],
)
@pytest.mark.parametrize("token", [None, "", "Bearer", "Bearer guessed"])
def test_nobody_changes_anything_without_the_token(
    runtime: LocalRuntime,
    method: str,
    path: str,
    body: bytes | None,
    kind: dict[str, str],
    token: str,
) -> None:
    headers = kind if token is None else kind | {"Authorization": token}
    assert status(rest_port(runtime), method, path, body, headers) == 403


@pytest.mark.parametrize(
    ("address", "answer"),
    [("yarn-cancel", 404), ("yarn-stop", 308), ("yarn%2Dcancel", 404), ("%79arn-cancel?x", 404)],
)
def test_a_question_that_ends_a_job_needs_the_token(
    runtime: LocalRuntime, address: str, answer: int
) -> None:
    path, known = f"/jobs/{'0' * 32}/{address}", {"Authorization": f"Bearer {runtime.rest.token}"}
    assert status(rest_port(runtime), "GET", path, None, {}) == 403
    assert status(rest_port(runtime), "GET", path, None, known) == answer


def test_a_foreign_page_with_the_token_is_refused_too(runtime: LocalRuntime) -> None:
    known = {"Authorization": f"Bearer {runtime.rest.token}", "Origin": "http://evil.example"}
    assert status(rest_port(runtime), "POST", "/jars/upload", JAR, MULTIPART | known) == 403


def test_no_port_takes_a_job_from_a_foreign_page(runtime: LocalRuntime) -> None:
    processes = [psutil.Process(one.pid) for one in runtime.processes.values() if one.pid]
    ports = {
        each.laddr.port
        for process in processes
        for each in process.net_connections("tcp")
        if each.status == psutil.CONN_LISTEN
    }
    assert rest_port(runtime) in ports
    foreign = PLAIN | FOREIGN["a foreign origin that calls itself by its name"]
    answers = {port: status(port, "POST", "/jars/upload", RUN, foreign) for port in ports}
    assert {port: code for port, code in answers.items() if code not in (0, 403, 400)} == {}


def test_its_own_pages_and_local_programs_may_look(runtime: LocalRuntime) -> None:
    port = rest_port(runtime)
    own = {"Origin": f"http://127.0.0.1:{port}"}
    assert status(port, "GET", "/overview", None, own) == 200
    assert status(port, "GET", "/overview", None, {"Host": f"localhost:{port}"}) == 200
    assert status(port, "GET", "/jobs/overview", None, {}) == 200


def test_the_token_is_for_its_owner_only(runtime: LocalRuntime) -> None:
    file: Path = runtime.flink.token_file
    assert file.stat().st_mode & 0o077 == 0
    assert runtime.rest.token not in repr(runtime.rest)
    assert runtime.rest.token not in runtime.flink.configuration()
