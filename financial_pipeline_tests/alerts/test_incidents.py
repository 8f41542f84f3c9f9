"""Each incident is reported once and its end once, to every sink, whatever fails in between."""

import json
import ssl
import threading
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from financial_pipeline.alerts.incidents import Incident, deliver
from financial_pipeline.alerts.sinks import Notice, SmtpSink, configured_sinks, post
from financial_pipeline.settings import Settings

TORN = Incident("failed run", "prices_job", "prices_job failed on 2019-03-28: torn")
OLD = Incident("overdue data", "exports/fct_daily_prices", "one session is missing")


class FakeSink:
    """Remembers what it was told; refuses while `is_down`."""

    def __init__(self) -> None:
        self.notices: list[Notice] = []
        self.is_down = False

    def __call__(self, notice: Notice) -> None:
        if self.is_down:
            raise ConnectionError("down")
        self.notices.append(notice)


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    return tmp_path / "alerts.json"


def test_incident_gives_one_alert_and_one_recovery(ledger: Path) -> None:
    sink = FakeSink()
    for found in ([TORN], [TORN], [TORN, OLD], [OLD], [OLD], [], []):
        deliver(found, {"fake": sink}, ledger)
    assert [notice.subject for notice in sink.notices] == [
        "ALERT failed run: prices_job",
        "ALERT overdue data: exports/fct_daily_prices",
        "RECOVERED failed run: prices_job",
        "RECOVERED overdue data: exports/fct_daily_prices",
    ]


def test_sink_that_is_down_hears_later_and_the_others_hear_now_and_once(ledger: Path) -> None:
    up, down = FakeSink(), FakeSink()
    down.is_down = True
    with pytest.raises(ExceptionGroup):
        deliver([TORN], {"down": down, "up": up}, ledger)
    down.is_down = False
    deliver([TORN], {"down": down, "up": up}, ledger)
    assert len(up.notices) == len(down.notices) == 1


@pytest.fixture
def webhook() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    taken: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            taken.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            """Nothing goes to the console."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/services/secret-token", taken
        server.shutdown()


def test_webhook_gets_json_that_chat_services_show(
    webhook: tuple[str, list[dict[str, Any]]], ledger: Path
) -> None:
    address, taken = webhook
    deliver([TORN], {"webhook": partial(post, address)}, ledger)
    deliver([], {"webhook": partial(post, address)}, ledger)
    assert [body["state"] for body in taken] == ["alert", "recovered"]
    assert taken[0]["text"] == f"ALERT failed run: prices_job: {TORN.text}"


def test_webhook_that_fails_keeps_its_address_to_itself(ledger: Path) -> None:
    sink = partial(post, "http://127.0.0.1:9/services/secret-token")
    with pytest.raises(ExceptionGroup) as caught:
        deliver([TORN], {"webhook": sink}, ledger)
    assert "secret-token" not in repr(caught.value) + str(caught.value.exceptions)


def test_sinks_follow_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    assert set(configured_sinks(Settings())) == {"log"}
    monkeypatch.setenv("FINANCIAL_PIPELINE_ALERT_WEBHOOK", "http://127.0.0.1:9/token")
    monkeypatch.setenv("FINANCIAL_PIPELINE_ALERT_SMTP_HOST", "127.0.0.1")
    monkeypatch.setenv("FINANCIAL_PIPELINE_ALERT_MAIL_TO", '["risk@example.org"]')
    sinks = configured_sinks(Settings())
    assert set(sinks) == {"log", "webhook", "mail"}
    assert isinstance(sinks["mail"], SmtpSink)
    assert sinks["mail"].recipients == ("risk@example.org",)


def test_mail_carries_subject_and_text(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Any] = []

    class FakeServer:
        def __init__(self, *args: object, **kwargs: object) -> None: ...
        def __enter__(self) -> "FakeServer":
            return self

        def __exit__(self, *args: object) -> None: ...
        def send_message(self, mail: Any) -> None:
            sent.append(mail)

    monkeypatch.setattr("smtplib.SMTP", FakeServer)
    SmtpSink("127.0.0.1", 25, "pipeline@example.org", ("risk@example.org",))(
        Notice(TORN.key, TORN.text)
    )
    assert sent[0]["Subject"] == "ALERT failed run: prices_job"
    assert TORN.text in sent[0].get_content()


class TlsServer:
    """Records what a client does; it offers STARTTLS."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        self.done: list[str] = DONE
        self.done.clear()

    def __enter__(self) -> "TlsServer":
        return self

    def __exit__(self, *args: object) -> None: ...

    def ehlo_or_helo_if_needed(self) -> None: ...

    def has_extn(self, name: str) -> bool:
        return name == "starttls"

    def starttls(self, context: ssl.SSLContext) -> None:
        assert context.check_hostname
        assert context.verify_mode is ssl.CERT_REQUIRED
        self.done.append("tls")

    def login(self, user: str, password: str) -> None:
        self.done.append(f"login {user}")

    def send_message(self, mail: Any) -> None:
        self.done.append("mail")


DONE: list[str] = []


@pytest.mark.parametrize(
    ("host", "user", "done"),
    [
        ("mail.example.org", "u", ["tls", "login u", "mail"]),
        ("mail.example.org", None, ["tls", "mail"]),
        ("localhost", "u", ["tls", "login u", "mail"]),
        ("localhost", None, ["mail"]),
    ],
)
def test_mail_goes_over_tls_with_a_verified_certificate(
    monkeypatch: pytest.MonkeyPatch, host: str, user: str | None, done: list[str]
) -> None:
    monkeypatch.setattr("smtplib.SMTP", TlsServer)
    SmtpSink(host, 587, "a@example.org", ("b@example.org",), user, "p")(Notice("x", "y"))
    assert done == DONE
