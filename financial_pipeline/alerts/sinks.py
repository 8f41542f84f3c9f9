"""Sinks of notices: the log, a webhook, a mailbox. Each takes one notice at a time."""

import json
import logging
import smtplib
import ssl
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from functools import partial
from typing import Final
from urllib.error import URLError

from financial_pipeline.settings import Settings

LOGGER: Final = logging.getLogger("financial_pipeline.alerts")
TIMEOUT_SECONDS: Final = 10.0
LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Notice:
    """One message about one incident: the alert, or the recovery notice if `is_over`."""

    incident: str
    text: str
    is_over: bool = False

    @property
    def subject(self) -> str:
        """One line for a log or a mail."""
        return f"{'RECOVERED' if self.is_over else 'ALERT'} {self.incident}"


# Delivers one notice; raises OSError if it cannot do so now.
Sink = Callable[[Notice], None]


def log(notice: Notice) -> None:
    """Log an alert as an error and a recovery as information."""
    level = logging.INFO if notice.is_over else logging.ERROR
    LOGGER.log(level, "%s: %s", notice.subject, notice.text)


def post(url: str, notice: Notice) -> None:
    """Post a notice as JSON: `text`, which chat services show, `incident` and `state`.

    No error contains the address, which often has a token.
    """
    body = {
        "text": f"{notice.subject}: {notice.text}",
        "incident": notice.incident,
        "state": "recovered" if notice.is_over else "alert",
    }
    request = urllib.request.Request(
        url, json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    try:
        urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS).close()
    except (URLError, TimeoutError) as error:
        reason = getattr(error, "reason", error)
        raise ConnectionError(f"The alert webhook refused a notice: {reason}") from None


@dataclass(frozen=True)
class SmtpSink:
    """Sink that mails through one server, with a login if there is a user.

    A login needs TLS with a certificate that is valid for the host. Without a user TLS is used if
    the server offers it.
    """

    host: str
    port: int
    sender: str
    recipients: tuple[str, ...]
    user: str | None = None
    password: str | None = None

    def __call__(self, notice: Notice) -> None:
        """Send one mail per notice."""
        mail = EmailMessage()
        mail["Subject"], mail["From"] = notice.subject, self.sender
        mail["To"] = ", ".join(self.recipients)
        mail.set_content(notice.text)
        with smtplib.SMTP(self.host, self.port, timeout=TIMEOUT_SECONDS) as server:
            if self.user or self._offers_tls(server):
                server.starttls(context=ssl.create_default_context())
            if self.user:
                server.login(self.user, self.password or "")
            server.send_message(mail)

    def _offers_tls(self, server: smtplib.SMTP) -> bool:
        # A relay on this machine has no certificate to verify.
        if self.host in LOOPBACK:
            return False
        server.ehlo_or_helo_if_needed()
        return server.has_extn("starttls")


def configured_sinks(settings: Settings) -> dict[str, Sink]:
    """Return the configured sinks by name; the log is always one of them."""
    sinks: dict[str, Sink] = {"log": log}
    if settings.alert_webhook:
        sinks["webhook"] = partial(post, settings.alert_webhook.get_secret_value())
    if settings.alert_smtp_host and settings.alert_mail_to:
        password = settings.alert_smtp_password
        sinks["mail"] = SmtpSink(
            settings.alert_smtp_host,
            settings.alert_smtp_port,
            settings.alert_mail_from,
            settings.alert_mail_to,
            settings.alert_smtp_user,
            password.get_secret_value() if password else None,
        )
    return sinks
